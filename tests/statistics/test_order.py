import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from rs_core.errors import ParameterError
from rs_core.statistics import (
    empirical_median_percentiles,
    median_indices,
    shifted_percentiles,
)


@pytest.mark.parametrize(
    ("ratio", "expected"), [(0.0, (433, 568)), (0.4, (281, 720)), (2.0, (6, 995))]
)
def test_indices_of_the_reference_table(ratio: float, expected: tuple[int, int]) -> None:
    assert median_indices(1000, *shifted_percentiles(ratio, 1.0), 1e-5) == expected


@pytest.mark.parametrize(("n", "last"), [(1000, 2.275), (10_000, 3.048)])
def test_beyond_a_distance_there_is_no_bound(n: int, last: float) -> None:
    inside = median_indices(n, *shifted_percentiles(last - 0.002, 1.0), 1e-5)
    outside = median_indices(n, *shifted_percentiles(last + 0.002, 1.0), 1e-5)
    assert None not in inside
    assert outside == (None, None)


@given(st.integers(1, 3000), st.floats(0.001, 0.5), st.floats(1e-6, 0.2), st.floats(0.5, 0.999))
def test_indices_are_the_extreme_ones_that_hold_their_level(
    n: int, p_lower: float, alpha: float, p_upper: float
) -> None:
    lower, upper = median_indices(n, p_lower, p_upper, alpha)
    if upper is not None:
        assert binom.cdf(upper - 1, n, p_upper) >= 1 - alpha - 1e-12
        assert upper == 1 or binom.cdf(upper - 2, n, p_upper) < 1 - alpha + 1e-12
    else:
        assert binom.cdf(n - 1, n, p_upper) < 1 - alpha + 1e-12
    if lower is not None:
        assert binom.cdf(lower - 1, n, p_lower) <= alpha + 1e-12
        assert binom.cdf(lower, n, p_lower) > alpha - 1e-12
    else:
        assert binom.cdf(0, n, p_lower) > alpha - 1e-12


def test_the_bounds_cover_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    n, alpha, trials = 200, 0.05, 4000
    lower, upper = median_indices(n, 0.3, 0.7, alpha)
    assert lower is not None
    assert upper is not None
    samples = np.sort(rng.standard_normal((trials, n)), axis=1)
    missed_low = (samples[:, lower - 1] > norm.ppf(0.3)).mean()
    missed_high = (samples[:, upper - 1] < norm.ppf(0.7)).mean()
    limit = binom.isf(1e-6, trials, alpha) / trials
    assert 0 < missed_low <= limit
    assert 0 < missed_high <= limit


def test_an_empirical_median_needs_wider_percentiles() -> None:
    low, high = empirical_median_percentiles(1001, 1e-3)
    assert low + high == pytest.approx(1.0)
    rng = np.random.default_rng(1)
    medians = np.median(rng.random((5000, 1001)), axis=1)
    assert ((medians < low) | (medians > high)).mean() <= 1e-3
    with pytest.raises(ParameterError, match="at least"):
        empirical_median_percentiles(10, 1e-3)
    wide = shifted_percentiles(0.4, 1.0, (low, high))
    plain = shifted_percentiles(0.4, 1.0)
    assert wide[0] < plain[0] < plain[1] < wide[1]


@pytest.mark.parametrize(
    ("distance", "around"), [(-1.0, (0.5, 0.5)), (0.1, (0.6, 0.4)), (0.1, (0.0, 0.5))]
)
def test_nonsense_is_refused(distance: float, around: tuple[float, float]) -> None:
    with pytest.raises(ParameterError):
        shifted_percentiles(distance, 1.0, around)


@pytest.mark.parametrize(("n", "beta"), [(1001, 1e-3), (1000, 1e-3), (200, 0.05)])
def test_the_empirical_median_pays_for_both_sides(n: int, beta: float) -> None:
    """Massart's constant is for both sides: 2 exp(-2 n width^2) is beta, not half of it."""
    low, high = empirical_median_percentiles(n, beta)
    assert (low + high) / 2 == pytest.approx(0.5)
    assert 2 * np.exp(-2 * n * (high - 0.5) ** 2) == pytest.approx(beta)
