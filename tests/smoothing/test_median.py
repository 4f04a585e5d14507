import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.errors import ModelFileError
from rs_core.events import Finished, drain
from rs_core.images import ImageInput
from rs_core.smoothing.median import draw_scalars, median_bound
from tests.conftest import Coin, spec_of


@pytest.fixture
def coin() -> Classifier:
    return Classifier(Coin(0.9, 0.25), spec_of((1, 8, 8), 2))


def first_pixel(x: Tensor) -> Tensor:
    return x[:, 0, 0, 0]


def drawn(coin: Classifier, image: ImageInput, n: int = 1001, seed: int = 0) -> np.ndarray:
    return drain(draw_scalars(first_pixel, coin, [image], sigma=0.5, n=n, seed=seed, caller="test"))


def test_draws_have_the_noise_and_repeat(coin: Classifier, grey: ImageInput) -> None:
    values = drawn(coin, grey, n=5000)
    assert values.shape == (1, 5000)
    assert values.mean() == pytest.approx(128 / 255, abs=0.03)
    assert values.std() == pytest.approx(0.5, abs=0.02)
    assert (drawn(coin, grey, n=5000) == values).all()
    assert (drawn(coin, grey, n=200) == values[:, :200]).all()
    assert (drawn(coin, grey, n=200, seed=1) != values[:, :200]).any()
    *steps, last = draw_scalars(first_pixel, coin, [grey], sigma=0.5, n=300, seed=0, caller="t")
    assert isinstance(last, Finished)
    assert steps[-1].done == steps[-1].total == 300


def test_the_bound_holds_for_a_linear_network_whose_medians_are_known(
    coin: Classifier, grey: ImageInput
) -> None:
    """h = first pixel: at x + delta its median is the first pixel's value there."""
    missed, distance = 0, 0.2
    for seed in range(300):
        found = median_bound(
            drawn(coin, grey, seed=seed)[0], sigma=0.5, distance=distance, alpha=0.01
        )
        assert found.lower <= found.median <= found.upper
        missed += found.upper < 128 / 255 + distance
        missed += found.lower > 128 / 255 - distance
    assert missed <= 20  # two sides at 1 % of 300: 6 expected


def test_a_deployed_median_needs_wider_bounds(coin: Classifier, grey: ImageInput) -> None:
    values = drawn(coin, grey)[0]
    plain = median_bound(values, sigma=0.5, distance=0.2, alpha=1e-3)
    wide = median_bound(values, sigma=0.5, distance=0.2, alpha=1e-3, beta=1e-3)
    assert wide.lower < plain.lower < plain.upper < wide.upper
    assert plain.percentiles == pytest.approx((norm.cdf(-0.4), norm.cdf(0.4)))


def test_beyond_the_samples_reach_the_clip_is_the_bound(coin: Classifier, grey: ImageInput) -> None:
    values = drawn(coin, grey)[0]
    far = median_bound(values, sigma=0.5, distance=5.0, alpha=1e-5, clip=(0.2, 0.9))
    assert (far.lower, far.upper) == (0.2, 0.9)
    assert far.indices == (None, None)
    open_ended = median_bound(values, sigma=0.5, distance=5.0, alpha=1e-5)
    assert (open_ended.lower, open_ended.upper) == (-np.inf, np.inf)


def test_the_median_is_one_order_statistic() -> None:
    values = np.array([4.0, 1.0, 3.0, 2.0])
    assert median_bound(values, sigma=1.0, distance=0.0, alpha=0.4).median == 2.0


def test_a_wrong_number_of_answers_is_refused(coin: Classifier, grey: ImageInput) -> None:
    with pytest.raises(ModelFileError, match="numbers for"):
        drain(
            draw_scalars(
                lambda x: torch.ones(1), coin, [grey], sigma=0.5, n=10, seed=0, caller="test"
            )
        )


@pytest.mark.parametrize("none", [np.nan, np.inf, -np.inf])
def test_draws_without_an_answer_count_against_both_bounds(none: float) -> None:
    values = np.random.default_rng(0).normal(0.5, 0.1, 1001)
    settings = {"sigma": 0.5, "distance": 0.1, "alpha": 1e-3, "clip": (0.0, 1.0)}
    whole = median_bound(values, **settings)
    torn = median_bound(np.where(np.arange(1001) < 40, none, values), **settings)
    assert torn.lower < whole.lower < whole.upper < torn.upper
    assert torn.invalid == 40
    high = np.sort(np.append(values[40:], [np.inf] * 40))
    low = np.sort(np.append(values[40:], [-np.inf] * 40))
    assert torn.indices.lower is not None
    assert torn.indices.upper is not None
    assert (torn.lower, torn.upper) == (low[torn.indices.lower - 1], high[torn.indices.upper - 1])
    lost = median_bound(np.full(1001, none), **settings)
    assert (lost.lower, lost.upper) == (0.0, 1.0)


def test_bounds_hold_for_every_query_that_answers_though_some_draws_do_not() -> None:
    """h(z) = z, and none in a tail: at a shifted image queries without a NaN stay within."""
    rng = np.random.default_rng(1)
    count, alpha, missed, trials = 101, 0.05, 0, 400
    gone = 1.5
    for _ in range(trials):
        z = rng.standard_normal(count)
        found = median_bound(np.where(z > gone, np.nan, z), sigma=1.0, distance=0.3, alpha=alpha)
        missed += found.upper < 0.3
        missed += found.lower > -0.3
    assert missed <= 2 * alpha * trials + 3 * (2 * alpha * trials) ** 0.5
