import dataclasses

import pytest
import torch
from torch import Tensor, nn

from rs_core.errors import ParameterError
from rs_core.training import (
    RECIPES,
    Adversarial,
    Consistency,
    Gaussian,
    Macer,
    NoiseInjection,
    SmoothAdv,
    UniversalSigma,
)
from rs_core.training.data import PixelStore, augmented_batch
from rs_core.training.recipes import DualRSPicker
from rs_core.training.view import NormalizedNetwork


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_registry_names_every_recipe() -> None:
    assert {
        "gaussian": Gaussian,
        "universal_sigma": UniversalSigma,
        "smoothadv": SmoothAdv,
        "macer": Macer,
        "consistency": Consistency,
        "adversarial": Adversarial,
        "dual_rs": DualRSPicker,
        "noise_injection": NoiseInjection,
    } == RECIPES


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_field_explains_itself(name: str) -> None:
    for field in dataclasses.fields(RECIPES[name]):
        assert field.metadata["help"]
        assert field.default is not dataclasses.MISSING


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sigma", -0.1),
        ("sigma", float("nan")),
        ("sigma", 1e9),
        ("epochs", 0),
        ("epochs", 1.5),
        ("epochs", 10**6),
        ("batch_size", 1),
        ("learning_rate", 0),
        ("learning_rate", float("inf")),
        ("momentum", 1),
        ("label_smoothing", 1),
        ("weight_average", 1),
        ("schedule", "steps"),
        ("optimiser", "lbfgs"),
        ("drops", [0]),
        ("drop_factor", 0),
        ("clip", -1),
        ("warm_up", -1),
        ("augment", "rotate"),
        ("precision", "fp8"),
    ],
)
@pytest.mark.parametrize("name", sorted(RECIPES))
def test_settings_are_held_to_their_bounds(name: str, field: str, value: object) -> None:
    with pytest.raises(ParameterError, match=field):
        RECIPES[name](**{field: value})


def test_auto_mirrors_colour_and_never_digits() -> None:
    assert Gaussian().augment_for((3, 32, 32)) == "crop-flip"
    assert Gaussian().augment_for((1, 28, 28)) == "shift"
    assert Gaussian(augment="none").augment_for((3, 32, 32)) == "none"


def test_auto_moves_nothing_that_is_no_picture() -> None:
    assert Gaussian().augment_for((1, 8, 8)) == "shift"
    assert Gaussian().augment_for((1, 1, 2)) == "none"


def test_gaussian_draws_one_sigma() -> None:
    recipe = Gaussian(sigma=0.25)
    assert recipe.sigma_range == (0.25, 0.25)
    assert recipe.draw_sigmas(4, seeded(0)).tolist() == [0.25] * 4


def test_uniform_noise_fills_the_cube_of_half_width_sigma() -> None:
    store = PixelStore(
        torch.zeros(40, 8, 8, 1, dtype=torch.uint8), torch.zeros(40, dtype=torch.int64),
        torch.zeros(1), torch.ones(1),
    )  # fmt: skip
    rows = torch.arange(40)
    for name in ("gaussian", "uniform"):
        recipe = Gaussian(sigma=0.25, distribution=name)  # type: ignore[arg-type]
        batch = augmented_batch(
            store, rows, "none", seeded(0), distribution=recipe.noise_distribution
        )
        noise = batch.with_noise(recipe.draw_sigmas(40, seeded(0)), 4, seeded(0)).noise.flatten()
        # both deviations are known within 1 % of 10,240 draws
        spread = 0.25 if name == "gaussian" else 0.25 / 3**0.5
        assert noise.std().item() == pytest.approx(spread, rel=0.03)
        assert (noise.abs().max() <= 0.25) == (name == "uniform")
        if name == "uniform":
            ordered = (noise.sort().values + 0.25) / 0.5
            assert (ordered - torch.linspace(0, 1, len(noise))).abs().max() < 0.022


def test_uniform_noise_goes_with_l1_alone() -> None:
    with pytest.raises(ParameterError, match="per_image data_dependent alone"):
        Gaussian(distribution="uniform", per_image={"name": "insta"})  # type: ignore[arg-type]
    Gaussian(distribution="uniform", per_image={"name": "data_dependent"})  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="distribution='laplace' is not known"):
        Gaussian(distribution="laplace")  # type: ignore[arg-type]


def test_universal_sigma_draws_uniformly_and_afresh() -> None:
    recipe = UniversalSigma(sigma=0.5)
    generator = seeded(0)
    first, second = recipe.draw_sigmas(10_000, generator), recipe.draw_sigmas(10_000, generator)
    assert recipe.sigma_range == (0.0, 0.5)
    assert not torch.equal(first, second)
    ordered = first.sort().values / 0.5
    # Kolmogorov-Smirnov: beyond 0.0222 at n = 10,000 with probability 1e-4
    assert (ordered - torch.linspace(0, 1, 10_000)).abs().max() < 0.0222


@pytest.mark.parametrize("name", ["smoothadv", "macer"])
def test_a_range_of_sigmas_is_drawn_uniformly(name: str) -> None:
    recipe = RECIPES[name](sigma=0.5, sigma_low=0.2)
    assert recipe.sigma_range == (0.2, 0.5)
    ordered = recipe.draw_sigmas(10_000, seeded(0)).sort().values
    assert (ordered - torch.linspace(0.2, 0.5, 10_000)).abs().max() < 0.0222 * 0.3
    assert RECIPES[name](sigma=0.5).draw_sigmas(2, seeded(0)).tolist() == [0.5, 0.5]
    with pytest.raises(ParameterError, match=r"sigma_low=0.6 is above sigma=0.5"):
        RECIPES[name](sigma=0.5, sigma_low=0.6)


class Fixed(nn.Module):
    """The same logits for every image."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, inputs: Tensor) -> Tensor:
        return self.logits.expand(len(inputs), -1)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_cross_entropy(smoothing: float) -> None:
    labels = torch.tensor([0, 0, 1])
    pixels = torch.zeros(3, 2, 2, 1, dtype=torch.uint8)
    store = PixelStore(pixels, labels, torch.zeros(1), torch.ones(1))
    logits = torch.tensor([1.0, 0.0])
    recipe = Gaussian(label_smoothing=smoothing)
    batch = augmented_batch(store, torch.arange(3), "none", seeded(0))
    network = NormalizedNetwork(Fixed(logits), store.mean, store.std)
    loss, right = recipe.batch_loss(network, batch, seeded(0))
    minus_log = -logits.log_softmax(0)
    plain = (2 * minus_log[0] + minus_log[1]) / 3
    expected = (1 - smoothing) * plain + smoothing * minus_log.mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert right.item() == 2


def test_a_batch_of_copies_holds_two_images() -> None:
    with pytest.raises(ParameterError, match=r"batch_size=5 .* copies: give at least 6\.$"):
        Consistency(batch_size=5, noises=3)
    assert Consistency(batch_size=6, noises=3).images_per_step == 2
