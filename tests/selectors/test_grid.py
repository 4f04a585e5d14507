import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, norm
from torch import Tensor, nn

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.images import ImageInput
from rs_core.results import Selection, from_json, to_json
from rs_core.selectors import GreedyGrid, Grid
from tests.conftest import Coin, MakeLinear, spec_of


def test_the_papers_grid_has_both_ends() -> None:
    sigmas = Grid(sigma_min=0.12, sigma_max=1.0).sigmas
    assert sigmas[:3] == pytest.approx([0.12, 0.15, 0.2])
    assert sigmas[-2:] == pytest.approx([0.95, 1.0])
    assert len(sigmas) == 19
    assert Grid(sigma_min=0.1, sigma_max=0.3, interval=0.1).sigmas == pytest.approx([0.1, 0.2, 0.3])


def test_the_published_grid_has_multiples_only() -> None:
    """Wang et al. (2021), equation 5: t * interval from sigma_min to sigma_max."""
    sigmas = Grid(sigma_min=0.12, sigma_max=1.0, ends=False).sigmas
    assert sigmas == pytest.approx(0.05 * np.arange(3, 21))
    assert sigmas[-1] == 1.0
    assert Grid(sigma_min=0.1, sigma_max=0.52, ends=False).sigmas == pytest.approx(
        0.05 * np.arange(2, 11)
    )
    with pytest.raises(ParameterError, match="switch ends on"):
        Grid(sigma_min=0.1 + 4e-8, sigma_max=0.2 - 4e-8, interval=0.1, ends=False)


@given(st.floats(0.01, 1), st.floats(0.02, 2), st.floats(0.003, 1))
def test_any_grid_ascends_between_its_ends(low: float, width: float, interval: float) -> None:
    if interval > width or width / interval > 500:
        return
    sigmas = Grid(sigma_min=low, sigma_max=low + width, interval=interval).sigmas
    assert (sigmas[0], sigmas[-1]) == (low, low + width)
    gaps = np.diff(sigmas)
    assert (gaps > 0).all()
    assert (gaps <= interval * (1 + 1e-6)).all()
    assert gaps[1:-1] == pytest.approx(interval)


@pytest.mark.parametrize(
    "options",
    [
        {"sigma_min": 0.5, "sigma_max": 0.5},
        {"sigma_min": 0.5, "sigma_max": 0.2},
        {"sigma_min": 0.1, "sigma_max": 0.2, "interval": 0.3},
        {"interval": 1e-5},
        {"interval": 0},
    ],
)
def test_grids_that_make_no_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        Grid(**options)


def test_scores_are_clopper_pearson_radii_of_the_selection_draws(linear: MakeLinear) -> None:
    classifier, image = linear(0.4)
    (found,) = drain(
        Grid(sigma_min=0.1, sigma_max=0.5, interval=0.1, n=1000).run(classifier, [image], seed=0)
    )
    for sigma, score in found.candidates:
        n_top = round(1000 * norm.cdf(0.4 / sigma))
        near = sigma * norm.ppf(beta.ppf(1e-3, n_top, 1001 - n_top))
        assert score == pytest.approx(near, abs=0.08)
    assert found.sigma == max(found.candidates, key=lambda pair: pair[1])[0]
    assert found.draws == 5000


def test_where_nothing_certifies_the_smallest_is_taken_and_noted(grey: ImageInput) -> None:
    coin = Classifier(Coin(0.5, 0.25), spec_of((1, 8, 8), 2))
    grid = Grid(sigma_min=0.25, sigma_max=0.251, interval=1e-3, n=50)
    (found,) = drain(grid.run(coin, [grey], seed=0))
    assert found.sigma == 0.25
    assert "no sigma" in found.notes[0]


def test_a_wrong_class_scores_zero_where_labels_count(linear: MakeLinear) -> None:
    classifier, image = linear(0.4)
    settings = {"sigma_min": 0.1, "sigma_max": 0.5, "interval": 0.1, "n": 200}
    wrong = replace(image, label=0)
    (found,) = drain(Grid(label_aware=True, **settings).run(classifier, [wrong], seed=0))
    assert [score for _, score in found.candidates] == [0.0] * 5
    (right,) = drain(Grid(label_aware=True, **settings).run(classifier, [image], seed=0))
    assert max(score for _, score in right.candidates) > 0.2
    with pytest.raises(ParameterError, match="true label"):
        drain(Grid(label_aware=True).run(classifier, [replace(image, label=None)], seed=0))


def test_agreement_drops_sigmas_that_vote_for_another_class(grey: ImageInput) -> None:
    """Class 1 wins at small sigma; at large sigma the coin's threshold is passed less often."""
    coin = Classifier(Coin(0.05, 0.1), spec_of((1, 8, 8), 2))
    settings = {"sigma_min": 0.1, "sigma_max": 2.0, "interval": 0.475, "n": 400}
    (free,) = drain(Grid(**settings).run(coin, [grey], seed=0))
    (held,) = drain(Grid(agree=True, **settings).run(coin, [grey], seed=0))
    pairs = zip(free.candidates, held.candidates, strict=True)
    assert all(own in (score, 0.0) for (_, score), (_, own) in pairs)


@pytest.mark.parametrize(("n", "levels"), [(1, 200), (2, 100), (4, 50), (10, 20)])
def test_the_greedy_budget_is_always_two_hundred(n: int, levels: int) -> None:
    greedy = GreedyGrid(n=n)
    assert len(greedy.sigmas) == levels
    assert len(greedy.sigmas) * n == 200
    assert greedy.sigmas[-1] == 1.0


class Sure(nn.Module):
    """Sure of class 0 while the noise is small: softmax exactly 1 in float32."""

    def __init__(self, reach: float) -> None:
        super().__init__()
        self.reach = reach

    def forward(self, x: Tensor) -> Tensor:
        length = (x - 128 / 255).flatten(1).norm(dim=1) / 8  # about sigma for 64 pixels
        logits = torch.where(length < self.reach, 200.0, -1.0)
        return torch.stack([logits, torch.zeros_like(logits)], dim=1)


def test_unclamped_a_sure_image_takes_the_smallest_sigma_and_clamped_the_largest(
    grey: ImageInput,
) -> None:
    """Alfarra et al. (2022), appendix B: a mean score of 1 is an infinite radius, a tie."""
    sure = Classifier(Sure(0.5), spec_of((1, 8, 8), 2))
    (clamped,) = drain(GreedyGrid(evaluations=10).run(sure, [grey], seed=0))
    (free,) = drain(GreedyGrid(evaluations=10, paper=True).run(sure, [grey], seed=0))
    assert free.sigma == 0.1
    assert clamped.sigma > 0.3
    scores = dict(clamped.candidates)
    assert scores[0.2] == pytest.approx(0.2 * norm.ppf(0.999))
    infinite = [score for sigma, score in free.candidates if score > 8 * sigma]
    assert free.notes == (f"infinite estimate at {len(infinite)} of 10 sigmas",)
    assert clamped.notes == ()
    assert from_json(Selection, json.loads(json.dumps(to_json(free)))) == free


def test_where_nothing_is_saturated_both_forms_score_alike(grey: ImageInput) -> None:
    coin = Classifier(Coin(0.7, 0.3), spec_of((1, 8, 8), 2))
    clamped, free = (
        drain(GreedyGrid(n=10, paper=paper).run(coin, [grey], seed=0))[0] for paper in (False, True)
    )
    assert free.candidates == clamped.candidates


def test_a_network_that_gives_nan_takes_the_smallest_sigma_unclamped(grey: ImageInput) -> None:
    class Nan(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)[:, :2] * torch.nan

    broken = Classifier(Nan(), spec_of((1, 8, 8), 2))
    (found,) = drain(GreedyGrid(n=10, paper=True).run(broken, [grey], seed=0))
    assert (found.sigma, found.notes) == (0.05, ())
    assert {score for _, score in found.candidates} == {0.0}
