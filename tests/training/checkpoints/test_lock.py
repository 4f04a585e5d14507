from pathlib import Path

import pytest

from rs_core.datasets import Dataset
from rs_core.errors import CheckpointError
from rs_core.results import ModelSpec
from rs_core.training import Gaussian
from rs_core.training.checkpoints.lock import held_alone


def test_two_trainings_do_not_share_a_folder(toy: Dataset, tiny: ModelSpec, tmp_path: Path) -> None:
    recipe = Gaussian(epochs=1, batch_size=40)
    first = iter(recipe.run(tiny, toy, seed=0, checkpoint=tmp_path))
    next(first)
    with pytest.raises(CheckpointError, match="another training writes to"):
        next(iter(recipe.run(tiny, toy, seed=0, checkpoint=tmp_path)))
    first.close()
    next(iter(recipe.run(tiny, toy, seed=0, checkpoint=tmp_path)))


def test_a_file_is_no_folder_for_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(CheckpointError, match="cannot be a folder of checkpoints"),
        held_alone(tmp_path / "file"),
    ):
        pass
    with held_alone(None):
        pass
