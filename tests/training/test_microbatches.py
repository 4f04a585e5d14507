"""Memory that runs out: the batch is computed in pieces, and nothing else changes."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor

from rs_core.datasets import Dataset
from rs_core.errors import ParameterError
from rs_core.events import Finished, PhaseStep, drain
from rs_core.results import ModelSpec
from rs_core.training import Gaussian, SmoothAdv, Trained
from rs_core.training.checkpoints.files import load_checkpoint
from rs_core.training.data import Batch
from rs_core.training.microbatches import is_out_of_memory
from rs_core.training.view import NormalizedNetwork

SAID = "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
ROOM: list[int] = []  # most images that fit, while a test limits them


@contextmanager
def room_for(images: int) -> Iterator[None]:
    ROOM.append(images)
    try:
        yield
    finally:
        ROOM.clear()


class Tight(SmoothAdv):
    """Fails as an allocator does, after the forward pass, when a batch is too large."""

    def batch_loss(
        self, network: NormalizedNetwork, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        found = super().batch_loss(network, batch, generator)
        if ROOM and len(batch) > ROOM[0]:
            raise RuntimeError(SAID)
        return found


RECIPE = Tight(
    sigma=0.3, epochs=2, batch_size=48, noises=2, steps=1, precision="fp32", learning_rate=0.05
)


def close(first: Trained, second: Trained) -> bool:
    theirs = second.module.state_dict()
    return all(
        torch.allclose(v, theirs[k], atol=1e-4) for k, v in first.module.state_dict().items()
    )


@pytest.fixture
def plain(tiny: ModelSpec) -> ModelSpec:
    """A network without batch norm, which pieces must not change."""
    return dataclasses.replace(tiny, architecture="mlp", options={})


def test_pieces_have_the_same_noise_and_the_same_mean(toy: Dataset, plain: ModelSpec) -> None:
    whole = drain(RECIPE.run(plain, toy, seed=0))
    with room_for(6):  # of 24
        events = list(RECIPE.run(plain, toy, seed=0))
    notes = [event for event in events if isinstance(event, PhaseStep)]
    assert [note.done for note in notes] == [1]
    assert "out of memory: batches of 24 images now go in 4 pieces" in notes[0].phase
    assert isinstance(events[-1], Finished)
    cut = events[-1].result
    assert close(whole, cut)
    assert cut.spec.provenance["micro_batches"] == [[0, 2], [0, 4]]
    assert "micro_batches" not in whole.spec.provenance
    for mine, theirs in zip(cut.history, whole.history, strict=True):
        assert mine.loss == pytest.approx(theirs.loss, rel=1e-4)
        assert mine.train_accuracy == pytest.approx(theirs.train_accuracy, abs=0.02)


def test_uneven_pieces_weigh_by_their_images(toy: Dataset, plain: ModelSpec) -> None:
    recipe = dataclasses.replace(RECIPE, batch_size=50)  # 25 images: 13 and 12
    whole = drain(recipe.run(plain, toy, seed=0))
    with room_for(13):
        assert close(whole, drain(recipe.run(plain, toy, seed=0)))


def test_a_failed_pass_leaves_no_trace(toy: Dataset, tiny: ModelSpec) -> None:
    with room_for(12):
        trained = drain(RECIPE.run(tiny, toy, seed=0))
    counts = [
        int(v) for k, v in trained.module.state_dict().items() if k.endswith("num_batches_tracked")
    ]
    assert set(counts) == {2 * 10 * 2}  # epochs, steps, pieces; the failed pass is not among them


def test_a_resumed_training_keeps_its_pieces(toy: Dataset, tiny: ModelSpec, tmp_path: Path) -> None:
    with room_for(12):
        straight = drain(RECIPE.run(tiny, toy, seed=0))
        for event in RECIPE.run(tiny, toy, seed=0, checkpoint=tmp_path):
            if event.done == 13:
                break
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    assert saved.state["pieces"] == [[0, 2]]
    resumed = drain(RECIPE.run(tiny, toy, seed=0, checkpoint=tmp_path, resume=True))
    theirs = straight.module.state_dict()
    assert all(torch.equal(v, theirs[k]) for k, v in resumed.module.state_dict().items())


def test_a_quarter_that_does_not_fit_is_refused(
    toy: Dataset, plain: ModelSpec, tmp_path: Path
) -> None:
    with (
        room_for(5),
        pytest.raises(ParameterError, match=r"24 images.*not even in 4 pieces: lower batch_size"),
    ):
        drain(RECIPE.run(plain, toy, seed=0, checkpoint=tmp_path))


def test_only_memory_errors_are_taken_for_memory_errors(
    toy: Dataset, plain: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert is_out_of_memory(RuntimeError(SAID))
    assert not is_out_of_memory(RuntimeError("shapes cannot be multiplied"))

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Gaussian, "batch_loss", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        drain(Gaussian(epochs=1, batch_size=24).run(plain, toy, seed=0))
