"""What every way of giving images sigmas must do, with whatever recipe."""

from pathlib import Path

import numpy as np
import pytest
import torch

from rs_core.datasets import Dataset
from rs_core.errors import ModelFileError, ParameterError
from rs_core.events import Finished, PhaseStep, drain
from rs_core.fields import describe_fields, settings_of
from rs_core.models import save_model
from rs_core.results import ModelSpec
from rs_core.training import RECIPES, Gaussian, Recipe, Trained
from rs_core.training.checkpoints.files import load_checkpoint
from rs_core.training.checkpoints.sigma_file import read_sigmas, save_sigmas, sigma_file
from rs_core.training.per_image import PER_IMAGE, Insta

WAYS: dict[str, dict[str, object]] = {
    "data_dependent": {"name": "data_dependent", "step_size": 0.02, "n": 2},
    "pretrain_finetune": {"name": "pretrain_finetune", "n": 20, "pretrain_epochs": 1},
    "insta": {"name": "insta", "levels": 4, "first_epochs": 2},
}
LOSSES: dict[str, dict[str, object]] = {
    "gaussian": {},
    "smoothadv": {"steps": 1, "noises": 2, "eps_per_sigma": 1.0, "batch_size": 48},
    "macer": {"noises": 2, "deferral": 1, "learning_rate": 0.05},
    "consistency": {"noises": 2, "batch_size": 48},
}


def recipe(way: str, loss: str = "gaussian", **changes: object) -> Recipe:
    settings: dict[str, object] = {
        "sigma": 0.3, "epochs": 3, "batch_size": 24, "weight_average": 0.9, "precision": "fp32",
        "per_image": WAYS[way],
    }  # fmt: skip
    return RECIPES[loss](**(settings | LOSSES[loss] | changes))  # type: ignore[arg-type]


def same(first: Trained, second: Trained) -> bool:
    theirs = second.module.state_dict()
    assert first.sigmas is not None
    assert second.sigmas is not None
    return np.array_equal(first.sigmas, second.sigmas) and all(
        torch.equal(a, theirs[k]) for k, a in first.module.state_dict().items()
    )


def test_every_way_but_a_second_stage_is_tried() -> None:
    assert {*WAYS, "stored"} == set(PER_IMAGE)


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("way", sorted(WAYS))
def test_it_learns_and_says_what_sigmas_it_gave(
    way: str, loss: str, toy: Dataset, tiny: ModelSpec
) -> None:
    settings = recipe(way, loss, epochs=6)
    trained = drain(settings.run(tiny, toy, seed=0))
    assert trained.history[-1].noisy_accuracy > 0.9
    assert trained.sigmas is not None
    low, high = settings.sigma_range
    assert trained.sigmas.shape == (240,)
    assert low - 1e-6 <= trained.sigmas.min()
    assert trained.sigmas.max() <= high + 1e-6
    assert len(set(trained.sigmas.tolist())) > 1
    assert trained.spec.train_sigma == (low, high)
    spread = trained.history[-1].sigmas
    assert spread is not None
    assert sum(spread.counts) == 240
    assert spread.mean == pytest.approx(trained.sigmas.mean())
    assert spread.levels == len(set(trained.sigmas.tolist()))
    row, least = spread.smallest[0]
    assert least == trained.sigmas.min() == trained.sigmas[row]
    row, most = spread.largest[0]
    assert most == trained.sigmas.max() == trained.sigmas[row]
    assert sum(epoch.assigning for epoch in trained.history) > 0
    assert trained.spec.provenance["settings"]["per_image"]["name"] == way


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("cut", [3, 6, 10])
def test_it_goes_on_from_the_middle_of_an_epoch(
    way: str, cut: int, toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    few = toy.subset(range(96))  # 4 steps an epoch
    straight = drain(recipe(way).run(tiny, few, seed=0))
    for event in recipe(way).run(tiny, few, seed=0, checkpoint=tmp_path):
        if event.done == cut:
            break
    resumed = drain(recipe(way).run(tiny, few, seed=0, checkpoint=tmp_path, resume=True))
    assert same(straight, resumed)
    for mine, theirs in zip(resumed.history, straight.history, strict=True):
        assert (mine.loss, mine.sigmas) == (theirs.loss, theirs.sigmas)


def test_it_goes_on_from_the_middle_of_a_choice(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    """240 images are four parts; two are chosen when the stream is closed."""
    straight = drain(recipe("pretrain_finetune").run(tiny, toy, seed=0))
    parts = 0
    for event in recipe("pretrain_finetune").run(tiny, toy, seed=0, checkpoint=tmp_path):
        if isinstance(event, PhaseStep):
            parts += 1
        if parts == 2:
            break
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    assert 0 < int((saved.tensors["kept/assigned"] > 0).sum()) < 240
    stream = recipe("pretrain_finetune").run(
        tiny, toy, seed=0, checkpoint=tmp_path, resume=True
    )  # fmt: skip
    events = list(stream)
    phases = [event.phase for event in events if isinstance(event, PhaseStep)]
    assert phases == [
        "choosing sigmas: 192 of 240 images", "choosing sigmas: 240 of 240 images",
    ]  # fmt: skip
    assert isinstance(events[-1], Finished)
    assert same(straight, events[-1].result)


def test_sigmas_change_the_noise_that_is_learned(toy: Dataset, tiny: ModelSpec) -> None:
    plain = drain(recipe("insta", per_image=None).run(tiny, toy, seed=0))
    own = drain(recipe("insta").run(tiny, toy, seed=0))
    assert plain.sigmas is None
    theirs = plain.module.state_dict()
    assert not all(torch.equal(a, theirs[k]) for k, a in own.module.state_dict().items())


def trained_with_file(toy: Dataset, tiny: ModelSpec, folder: Path) -> tuple[Path, np.ndarray]:
    """A model file beside which sigmas lie, and these."""
    trained = drain(recipe("insta").run(tiny, toy, seed=0))
    weights = folder / save_model(trained.module, trained.spec, folder).weights
    assert save_sigmas(trained, weights) == sigma_file(weights)
    assert trained.sigmas is not None
    return weights, trained.sigmas


def second(way: object = None) -> Recipe:
    return recipe("insta", "smoothadv", per_image=way or {"name": "stored"}, epochs=1)


def test_a_second_stage_keeps_the_stored_sigmas(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    weights, sigmas = trained_with_file(toy, tiny, tmp_path)
    after = drain(second().run(tiny, toy, seed=1, init=weights))
    assert after.sigmas is not None
    assert np.array_equal(after.sigmas, sigmas)
    assert after.spec.train_sigma == (float(sigmas.min()), float(sigmas.max()))


def test_a_second_stage_is_resumed_without_the_file(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    weights, _ = trained_with_file(toy, tiny, tmp_path)
    kept = tmp_path / "kept"
    straight = drain(second().run(tiny, toy, seed=1, init=weights))
    for event in second().run(tiny, toy, seed=1, init=weights, checkpoint=kept):
        if event.done == 3:
            break
    sigma_file(weights).unlink()
    assert same(straight, drain(second().run(tiny, toy, seed=1, checkpoint=kept, resume=True)))


def test_sigmas_of_other_images_are_refused(toy: Dataset, tiny: ModelSpec, tmp_path: Path) -> None:
    weights, _ = trained_with_file(toy, tiny, tmp_path)
    for other in (toy.subset(range(239)), toy.subset(range(239, -1, -1))):
        with pytest.raises(ParameterError, match="other images, or of these in another order"):
            drain(second().run(tiny, other, seed=1, init=weights))
    sigma_file(weights).unlink()
    with pytest.raises(ParameterError, match=r"needs the sigmas of an earlier training"):
        drain(second().run(tiny, toy, seed=1, init=weights))
    with pytest.raises(ParameterError, match=r"needs the sigmas of an earlier training"):
        drain(second().run(tiny, toy, seed=1))


@pytest.mark.parametrize("raw", [b"", b"no archive", b"PK\x03\x04"])
def test_a_damaged_file_is_refused(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.sigmas.npz"
    path.write_bytes(raw)
    with pytest.raises(ModelFileError, match="holds no sigmas"):
        read_sigmas(path, "")


@pytest.mark.parametrize("sigmas", [[], [0.0], [float("nan")], [[0.1]]])
def test_a_file_of_other_numbers_is_refused(sigmas: list[float], tmp_path: Path) -> None:
    path = tmp_path / "a.sigmas.npz"
    np.savez(path, sigma=np.array(sigmas, dtype=np.float32), data_sha256=np.array(""))
    with pytest.raises(ModelFileError, match="holds no sigmas"):
        read_sigmas(path, "")


def test_settings_nest_and_are_built_again() -> None:
    made = recipe("insta")
    assert made.per_image == Insta(levels=4, first_epochs=2)
    stored = settings_of(made)
    assert stored["per_image"] == {
        "name": "insta", "levels": 4, "period": None, "n": 8, "first_epochs": 2,
    }  # fmt: skip
    assert Gaussian(**stored) == made
    assert "per_image" not in settings_of(Gaussian())  # stored trainings from before are the same
    facts = next(facts for facts in describe_fields(Gaussian) if facts.name == "per_image")
    assert facts.kind == "one_of"
    assert [field.name for field in facts.variants["insta"].fields] == [
        "levels", "period", "n", "first_epochs",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "instant"}, "instant.*insta"),
        ({"levels": 4}, "per_image is not one of data_dependent"),
        ("insta", "per_image is not one of data_dependent"),
        ({"name": "insta", "level": 4}, "'level' is no setting of insta: it has levels"),
        ({"name": "insta", "levels": 1}, "levels=1"),
        ({"name": "stored", "levels": 1}, "'levels' is no setting of stored: it has none"),
        ({"name": "insta", "per_image": {"name": "insta"}}, "'per_image' is no setting of insta"),
    ],
)
def test_what_does_not_nest_is_refused(given: object, said: str) -> None:
    with pytest.raises(Exception, match=said):
        Gaussian(per_image=given)  # type: ignore[arg-type]


def test_two_owners_of_sigma_are_refused() -> None:
    own: object = {"name": "insta"}
    with pytest.raises(ParameterError, match="leave one out"):
        RECIPES["smoothadv"](sigma=0.3, sigma_low=0.1, per_image=own)  # type: ignore[call-arg]
    with pytest.raises(ParameterError, match="take the recipe gaussian"):
        RECIPES["universal_sigma"](sigma=0.3, per_image=own)  # type: ignore[arg-type]
