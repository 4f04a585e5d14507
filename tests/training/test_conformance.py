"""What every recipe must do, whatever it minimises."""

import dataclasses
from pathlib import Path

import pytest
import torch

from rs_core.datasets import DATASETS, Dataset
from rs_core.events import Finished, drain
from rs_core.models import MODELS
from rs_core.results import ModelSpec
from rs_core.training import PRESETS, RECIPES, Recipe, Trained
from rs_core.training.checkpoints.files import load_checkpoint
from rs_core.training.optimiser import rate_at

# small enough for a test; what is not named here is the recipe's default
QUICK: dict[str, dict[str, object]] = {
    "gaussian": {},
    "universal_sigma": {},
    "smoothadv": {"steps": 1, "noises": 2, "eps": 0.2, "batch_size": 48},
    "macer": {"noises": 2, "robust_weight": 1.0, "learning_rate": 0.05, "deferral": 2},
    "consistency": {"noises": 2, "agreement": 2.0, "batch_size": 48},
    "adversarial": {"steps": 2, "eps": 0.1, "sigma": 0.3},
    "dual_rs": {"sigmas": (0.1, 0.2), "agreement": 1.0, "temperature": 0.5, "batch_size": 48},
    "noise_injection": {"steps": 2, "eps": 0.1, "noises": 2, "attacked_share": 0.5, "clip": 1.0},
}
NAMES = sorted(RECIPES)


def quick(name: str, **changes: object) -> Recipe:
    settings = {"sigma": 0.3, "batch_size": 24, "weight_average": 0.9, "precision": "fp32"}
    return RECIPES[name](**(settings | QUICK[name] | changes))


def same(first: Trained, second: Trained) -> bool:
    theirs = second.module.state_dict()
    return all(torch.equal(a, theirs[k]) for k, a in first.module.state_dict().items())


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_under_noise(name: str, toy: Dataset, tiny: ModelSpec) -> None:
    trained = drain(quick(name, epochs=8).run(tiny, toy, seed=1))
    assert trained.history[-1].noisy_accuracy > 0.95
    assert trained.history[-1].clean_accuracy > 0.95
    assert trained.history[-1].loss < 0.8 * trained.history[0].loss
    assert trained.spec.train_sigma == quick(name).sigma_range
    assert not trained.module.training
    assert all(p.requires_grad for p in trained.module.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_equal_seeds_give_equal_weights(name: str, toy: Dataset, tiny: ModelSpec) -> None:
    recipe, few = quick(name, epochs=1), toy.subset(range(96))
    torch.manual_seed(1)
    first = drain(recipe.run(tiny, few, seed=0))
    torch.manual_seed(2)
    state = torch.random.get_rng_state()
    assert same(first, drain(recipe.run(tiny, few, seed=0)))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert not same(first, drain(recipe.run(tiny, few, seed=1)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_it_goes_on_from_the_middle_of_an_epoch(
    name: str, optimiser: str, toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    recipe = quick(name, epochs=3, optimiser=optimiser, learning_rate=0.01, clip=1.0)
    few = toy.subset(range(96))  # 4 steps an epoch
    straight = drain(recipe.run(tiny, few, seed=0))
    for event in recipe.run(tiny, few, seed=0, checkpoint=tmp_path):
        if event.done == 6:  # leaving the loop closes the stream, which keeps the step
            break
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    assert (saved.state["step"], saved.epochs_done) == (6, 1)
    events = list(recipe.run(tiny, few, seed=0, checkpoint=tmp_path, resume=True))
    assert events[0].done == 7
    assert isinstance(events[-1], Finished)
    resumed = events[-1].result
    assert same(straight, resumed)
    for mine, theirs in zip(resumed.history, straight.history, strict=True):
        assert (mine.loss, mine.train_accuracy) == (theirs.loss, theirs.train_accuracy)
        assert mine.noisy_accuracy == theirs.noisy_accuracy


@pytest.mark.parametrize("name", NAMES)
def test_a_network_that_takes_sigma_is_told_it(name: str, toy: Dataset, tiny: ModelSpec) -> None:
    spec = dataclasses.replace(tiny, architecture="conv4-sigma")
    trained = drain(quick(name, epochs=1).run(spec, toy.subset(range(96)), seed=0))
    weights = trained.module.state_dict()
    assert weights["told.0.affine.weight"].abs().max() > 0  # it was 0, and has learned
    answers = trained.module(torch.zeros(1, 1, 8, 8), torch.tensor([0.3]))
    assert answers.shape == (1, 2)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_name_what_exists(name: str) -> None:
    preset = PRESETS[name]
    assert type(preset.recipe) is RECIPES[preset.name]
    assert preset.architecture in MODELS
    channels = DATASETS[preset.dataset].input_shape[0]
    assert len(preset.mean) == len(preset.std) in (0, channels)
    assert preset.source


@pytest.mark.parametrize(("name", "sigma"), [("s025", 0.25), ("s050", 0.5), ("s100", 1.0)])
def test_the_fields_own_lenet_run_is_a_preset(name: str, sigma: float) -> None:
    """SGD .01, .1 of it from the 32nd and the 62nd epoch on: each drop is an epoch late."""
    preset = PRESETS[f"cohen-mnist-{name}"]
    recipe = preset.recipe
    assert (preset.name, preset.architecture, preset.dataset) == ("gaussian", "lenet", "mnist")
    assert (preset.mean, preset.std) == ((0.0,), (1.0,))
    assert recipe.sigma_range == (sigma, sigma)
    each = 60_000 // recipe.images_per_step
    rates = [
        rate_at(
            epoch * each, 90 * each, recipe.learning_rate, recipe.schedule,
            drops=[drop * each for drop in recipe.drops_after], factor=recipe.drop_factor,
        )
        for epoch in range(90)
    ]  # fmt: skip
    assert rates == pytest.approx([0.01] * 31 + [0.001] * 30 + [0.0001] * 29)
    assert (recipe.epochs, recipe.batch_size, recipe.copies, recipe.warm_up) == (90, 256, 1, 0)
    assert (recipe.optimiser, recipe.momentum, recipe.nesterov) == ("sgd", 0.9, False)
    assert (recipe.weight_decay, recipe.decay_all, recipe.weight_average) == (1e-4, True, 0.0)
    assert (recipe.augment, recipe.precision, recipe.label_smoothing) == ("none", "fp32", 0.0)
    assert recipe.clip == 0


def test_lenet_has_the_fields_widths() -> None:
    shapes = {n: tuple(w.shape) for n, w in MODELS["lenet"]().named_parameters() if w.ndim > 1}
    assert list(shapes.values()) == [(20, 1, 5, 5), (50, 20, 5, 5), (500, 800), (10, 500)]
