from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, norm

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.images import ImageInput
from rs_core.selectors import GreedyGrid, Grid
from tests.conftest import Coin, MakeLinear, spec_of


def test_the_papers_grid_has_both_ends() -> None:
    sigmas = Grid(sigma_min=0.12, sigma_max=1.0).sigmas
    assert sigmas[:3] == pytest.approx([0.12, 0.15, 0.2])
    assert sigmas[-2:] == pytest.approx([0.95, 1.0])
    assert len(sigmas) == 19
    assert Grid(sigma_min=0.1, sigma_max=0.3, interval=0.1).sigmas == pytest.approx([0.1, 0.2, 0.3])


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
