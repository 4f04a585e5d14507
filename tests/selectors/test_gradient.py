from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import Tensor, nn

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.images import ImageInput
from rs_core.selectors import Gradient
from rs_core.selectors.soft_radius import one_sided_soft_radius, soft_radius
from tests.conftest import spec_of

SHAPE = (1, 8, 8)


class Bump(nn.Module):
    """Class 0 within a distance of the grey image, class 1 outside, softly."""

    def forward(self, x: Tensor) -> Tensor:
        distance = (x - 128 / 255).flatten(1).norm(dim=1)
        return torch.stack([4 * (3 - distance), 0 * distance], dim=1)


class Certain(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([50 + x.sum(dim=(1, 2, 3)), x.sum(dim=(1, 2, 3))], dim=1)


@pytest.fixture
def bump() -> Classifier:
    return Classifier(Bump(), spec_of(SHAPE, 2))


def climbed(classifier: Classifier, image: ImageInput, **options: object):
    return drain(Gradient(**options).run(classifier, [image], seed=0))[0]


def test_the_slope_is_the_derivative_of_the_traced_radius(
    bump: Classifier, grey: ImageInput
) -> None:
    """Same noise at start and start + h: the first step is step_size times the slope."""
    base = {"steps": 2, "n": 8, "step_size": 1e-3}
    (s0, r0), (s1, _) = climbed(bump, grey, start=0.3, **base).candidates
    (sh, rh), _ = climbed(bump, grey, start=0.3005, **base).candidates
    assert (s1 - s0) / 1e-3 == pytest.approx((rh - r0) / (sh - s0), rel=0.02)


def test_it_climbs_to_the_top_of_the_soft_radius(bump: Classifier, grey: ImageInput) -> None:
    grid = np.linspace(0.05, 0.35, 31)  # beyond, the other class has a peak of its own
    z = torch.randn(2000, *SHAPE, generator=torch.Generator().manual_seed(1))
    scores = [bump(torch.tensor(grey.pixels) + s * z).softmax(-1).mean(0).numpy() for s in grid]
    best = grid[soft_radius(grid, np.stack(scores)).argmax()]
    found = climbed(bump, grey, start=0.15, steps=400, n=8, step_size=2e-3)
    assert found.sigma == pytest.approx(best, abs=0.03)


def test_paper_mode_drifts_upwards_where_both_scores_clamp(grey: ImageInput) -> None:
    """The drift is half the clamped gap, 2.05, whatever the image."""
    sure = Classifier(Certain(), spec_of(SHAPE, 2))
    found = climbed(sure, grey, paper=True, steps=50, start=0.25)
    assert found.sigma - 0.25 == pytest.approx(50 * 1e-4 * norm.ppf(0.98), rel=1e-3)
    assert "clamped in 50 of 50" in found.notes[0]


def test_bounds_hold_and_are_noted(grey: ImageInput) -> None:
    sure = Classifier(Certain(), spec_of(SHAPE, 2))
    found = climbed(sure, grey, steps=50, step_size=1.0, sigma_max=0.4)
    assert found.sigma == pytest.approx(0.4)
    assert found.notes[0] == "sigma ran into its upper bound 0.4"


def test_l1_takes_uniform_noise_and_its_radius(bump: Classifier, grey: ImageInput) -> None:
    found = climbed(bump, grey, norm="l1", steps=3, n=8, start=0.5)
    sigma, radius = found.candidates[0]
    z = 2 * torch.rand(20_000, *SHAPE, generator=torch.Generator().manual_seed(2)) - 1
    scores = bump(torch.tensor(grey.pixels) + sigma * z).softmax(-1).mean(0)
    assert radius == pytest.approx(sigma * float(scores.max() - scores.min()), abs=0.05)


def test_chunks_do_not_change_what_an_image_gets(bump: Classifier, grey: ImageInput) -> None:
    others = [replace(grey, digest=f"{k:032x}") for k in range(70)]
    many = drain(Gradient(steps=5, step_size=0.01).run(bump, [*others, grey], seed=0))
    assert many[-1].sigma == pytest.approx(
        climbed(bump, grey, steps=5, step_size=0.01).sigma, abs=1e-6
    )


@pytest.mark.parametrize(
    ("trained", "first"),
    [((0.5, 0.5), 0.5), ((0.0, 0.5), 0.25), ((0.0, 0.0), 0.01), ((2.0, 2.0), 1.5), (None, 0.25)],
)
def test_it_starts_where_the_network_was_trained(
    trained: tuple[float, float] | None, first: float, grey: ImageInput
) -> None:
    """Alfarra et al. (2022), section 4: sigma^0 is the training sigma; the bounds hold."""
    classifier = Classifier(Bump(), spec_of(SHAPE, 2, train_sigma=trained))
    found = climbed(classifier, grey, steps=1)
    assert found.candidates[0][0] == pytest.approx(first)
    untold = "from 0.25: the network does not say its training noise"
    assert (untold in found.notes) == (trained is None)
    given = climbed(classifier, grey, steps=1, start=0.3)
    assert given.candidates[0][0] == pytest.approx(0.3)
    assert untold not in given.notes


def test_a_hundred_copies_a_step_are_the_mean_of_a_hundred(
    bump: Classifier, grey: ImageInput
) -> None:
    """The authors' package takes 100; one pass holds all of an image."""
    found = climbed(bump, grey, n=100, steps=2, start=0.3, step_size=1e-3)
    assert found.draws == 200
    _, (_, radius) = found.candidates
    z = torch.randn(4000, *SHAPE, generator=torch.Generator().manual_seed(3))
    scores = bump(torch.tensor(grey.pixels) + 0.3 * z).softmax(-1).mean(0).numpy()
    assert radius == pytest.approx(float(soft_radius(np.array(0.3), scores)), abs=0.03)
    with pytest.raises(ParameterError, match="at most 128"):
        Gradient(n=129)


def test_a_start_outside_the_bounds_is_refused() -> None:
    with pytest.raises(ParameterError, match="start"):
        Gradient(start=2.0, sigma_max=1.5)
    with pytest.raises(ParameterError, match="differ"):
        Gradient(start=0.5, sigma_min=0.5, sigma_max=0.5)


def test_soft_radii_in_closed_form() -> None:
    scores = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
    sigma = np.array([0.5, 0.5])
    assert soft_radius(sigma, scores) == pytest.approx(
        [0.25 * (norm.ppf(0.7) - norm.ppf(0.2)), 0.5 * norm.ppf(0.999)]
    )
    assert one_sided_soft_radius(sigma, scores) == pytest.approx(
        [0.5 * norm.ppf(0.7), 0.5 * norm.ppf(0.999)]
    )
