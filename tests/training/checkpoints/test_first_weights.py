import dataclasses
import json
from pathlib import Path

import pytest
import torch

from rs_core.datasets import Dataset
from rs_core.errors import CheckpointError, ModelFileError, ParameterError, WeightsNotFoundError
from rs_core.events import drain
from rs_core.models import build_network, load_model, save_model
from rs_core.results import ModelSpec
from rs_core.training import EpochDone, Gaussian
from rs_core.training.checkpoints.files import load_checkpoint

# A rate so small that nothing moves: what comes out is what went in.
STILL = Gaussian(
    sigma=0.1, epochs=1, batch_size=60, learning_rate=1e-30, schedule="constant",
    weight_average=0.0, weight_decay=0.0, precision="fp32", augment="none",
)  # fmt: skip
NORMALISED = {"mean": (0.25,), "std": (0.5,)}


@pytest.fixture
def trained(tiny: ModelSpec, tmp_path: Path) -> Path:
    torch.manual_seed(1)
    network = build_network("conv4", tiny.input_shape, 2, tiny.options)
    spec = dataclasses.replace(tiny, name="before", **NORMALISED)
    return tmp_path / save_model(network, spec, tmp_path).weights


def test_a_training_begins_with_the_weights_that_it_is_given(
    toy: Dataset, tiny: ModelSpec, trained: Path
) -> None:
    bare = dataclasses.replace(tiny, options={})
    found = drain(STILL.run(bare, toy, seed=0, init=trained))
    for name, weight in load_model(trained)[0].named_parameters():
        torch.testing.assert_close(dict(found.module.named_parameters())[name], weight)
    assert found.spec.options == tiny.options
    assert (found.spec.mean, found.spec.std) == (NORMALISED["mean"], NORMALISED["std"])
    digest = load_model(trained)[1].sha256
    assert found.spec.provenance["init"] == {"weights": trained.name, "sha256": digest}


def test_a_normalisation_that_is_given_holds(toy: Dataset, tiny: ModelSpec, trained: Path) -> None:
    spec = dataclasses.replace(tiny, mean=(0.0,), std=(1.0,))
    found = drain(STILL.run(spec, toy, seed=0, init=str(trained)))
    assert (found.spec.mean, found.spec.std) == ((0.0,), (1.0,))


def test_without_first_weights_nothing_is_said_of_any(toy: Dataset, tiny: ModelSpec) -> None:
    assert "init" not in drain(STILL.run(tiny, toy, seed=0)).spec.provenance


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"architecture": "resnet20", "options": {}},
            "is a conv4, the network to train a resnet20",
        ),
        ({"options": {"widths": [4, 4, 4, 9]}}, r"\(8, 4, 3, 3\) for features.5.0.weight"),
    ],
)
def test_weights_of_another_network_are_refused(
    toy: Dataset, tiny: ModelSpec, trained: Path, changes: dict[str, object], said: str
) -> None:
    spec = dataclasses.replace(tiny, **changes)
    with pytest.raises(ParameterError, match=said):
        drain(STILL.run(spec, toy, seed=0, init=trained))


def test_weights_for_other_images_or_classes_are_refused(toy: Dataset, tiny: ModelSpec) -> None:
    with pytest.raises(ParameterError, match="takes 1x28x28 images, the data has 1x8x8"):
        drain(STILL.run(tiny, toy, seed=0, init="mnist-conv4"))
    data = dataclasses.replace(toy, images=toy.images.repeat(4, 1)[:, :28].repeat(4, 2)[:, :, :28])
    spec = dataclasses.replace(tiny, input_shape=(1, 28, 28))
    with pytest.raises(ParameterError, match="knows 10 classes, the data has 2"):
        drain(STILL.run(spec, data, seed=0, init="mnist-conv4"))
    with pytest.raises(WeightsNotFoundError, match="no weights at 'nothing'"):
        drain(STILL.run(tiny, toy, seed=0, init="nothing"))


def interrupted(tiny: ModelSpec, toy: Dataset, folder: Path, init: Path | None) -> None:
    recipe = dataclasses.replace(STILL, epochs=3, learning_rate=0.05)
    for event in recipe.run(tiny, toy, seed=0, checkpoint=folder, init=init):
        if isinstance(event, EpochDone):
            return


def test_a_resumed_training_needs_its_first_weights_no_more(
    toy: Dataset, tiny: ModelSpec, trained: Path, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(STILL, epochs=3, learning_rate=0.05)
    spec = dataclasses.replace(tiny, **NORMALISED)
    whole = drain(recipe.run(spec, toy, seed=0, init=trained))
    interrupted(spec, toy, tmp_path / "run", trained)
    trained.unlink()
    found = drain(recipe.run(spec, toy, seed=0, checkpoint=tmp_path / "run", resume=True))
    for name, weight in whole.module.state_dict().items():
        assert torch.equal(found.module.state_dict()[name], weight)
    assert found.spec.provenance["init"] == whole.spec.provenance["init"]
    saved = load_checkpoint(tmp_path / "run")
    assert saved is not None
    assert saved.state["identity"]["init"] == whole.spec.provenance["init"]["sha256"]


def test_other_first_weights_are_another_training(
    toy: Dataset, tiny: ModelSpec, trained: Path, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(STILL, epochs=3, learning_rate=0.05)
    spec = dataclasses.replace(tiny, **NORMALISED)
    interrupted(spec, toy, tmp_path / "with", trained)
    interrupted(spec, toy, tmp_path / "without", None)
    network, described = load_model(trained)
    network.get_parameter("head.bias").data += 1
    other = trained.parent / save_model(network, described, trained.parent).weights
    for folder, init in (("with", other), ("without", trained)):
        stream = recipe.run(spec, toy, seed=0, checkpoint=tmp_path / folder, resume=True, init=init)
        with pytest.raises(CheckpointError, match=r"another training \(init "):
            drain(stream)


def test_a_damaged_model_begins_nothing(toy: Dataset, tiny: ModelSpec, trained: Path) -> None:
    path = trained.with_suffix(".json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": "0" * 64}))
    with pytest.raises(ModelFileError, match="damaged or was exchanged"):
        drain(STILL.run(tiny, toy, seed=0, init=trained))
