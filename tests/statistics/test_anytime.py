import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import binom, norm

from rs_core.errors import ParameterError
from rs_core.statistics import (
    anytime_lower_bound,
    anytime_upper_bound,
    log_e_value,
    log_e_value_below,
    lower_confidence_bound,
    sequential_test,
    upper_confidence_bound,
)

TALLIES = st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.floats(1e-12, 0.9)


def exact_log_e(n_top, n, p0):
    """ln E in rational arithmetic: the incomplete beta function is a binomial sum."""
    p = Fraction(p0)
    q = 1 - p
    tail = sum(math.comb(n + 1, j) * p**j * q ** (n + 1 - j) for j in range(n_top + 1))
    e_value = tail / ((n + 1) * math.comb(n, n_top) * q * p**n_top * q ** (n - n_top))
    return math.log(e_value.numerator) - math.log(e_value.denominator)


def rejection_counts(p0, alpha, longest):
    """The fewest votes that reject H0: p <= p0, for each number of draws 1..longest."""
    draws = np.arange(1, longest + 1)
    low, high = np.zeros_like(draws), draws + 1
    while (low < high).any():
        middle = (low + high) // 2
        enough = log_e_value(np.minimum(middle, draws), draws, p0) >= -math.log(alpha)
        enough |= middle > draws
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    return low


@given(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.floats(1e-6, 1 - 1e-6),
)
def test_log_e_is_exact_and_never_overstated(tally, p0):
    exact = exact_log_e(*tally, p0)
    may_underflow = p0 > 0.99
    understated = exact - log_e_value(*tally, p0)
    assert 0 <= understated <= (1e-5 if may_underflow else 1e-9)


@given(TALLIES, st.floats(1e-9, 1 - 1e-9))
def test_log_e_never_exceeds_the_best_likelihood_ratio(tally, p0):
    n_top, n = tally
    best = max(n_top / n, p0)
    ratio = binom.logpmf(n_top, n, best) - binom.logpmf(n_top, n, p0)
    value = log_e_value(n_top, n, p0)
    assert math.isfinite(value)
    assert value <= (0.0 if best == p0 else ratio + 1e-6 * (1 + abs(ratio)))
    assert value >= -math.log(n - n_top + 1) - 1e-4


def test_log_e_is_the_mixture_of_likelihood_ratios():
    for n_top, n, p0 in [(820, 1000, 0.8), (9_000, 10_000, 0.89), (50, 100, 0.7), (3, 100, 0.6)]:

        def ratio(p, n_top=n_top, n=n, p0=p0):
            return math.exp(
                n_top * math.log(p / p0) + (n - n_top) * math.log((1 - p) / (1 - p0))
            ) / (1 - p0)

        near = sorted({min(max(n_top / n, p0), 1), p0 + (1 - p0) / 50})
        integral, _ = quad(ratio, p0, 1, points=near, limit=500, epsrel=1e-11)
        assert log_e_value(n_top, n, p0) == pytest.approx(math.log(integral), abs=1e-7)


def test_log_e_is_floored_where_the_tail_underflows():
    assert log_e_value(10, 100_000, 0.99) == pytest.approx(-math.log(99_991), abs=1e-6)
    below = log_e_value_below(99_990, 100_000, 0.01)
    assert below == pytest.approx(-math.log(99_991), abs=1e-6)


@given(TALLIES, st.integers(1, 2**20 - 1))
def test_evidence_below_is_the_mirror(tally, twentieths):
    n_top, n = tally
    p0 = twentieths / 2**20
    assert log_e_value_below(n_top, n, p0) == pytest.approx(
        log_e_value(n - n_top, n, 1 - p0), rel=1e-12, abs=1e-12
    )


@pytest.mark.parametrize("p0", [0.5, 0.9])
def test_type_one_error_under_optional_stopping(p0):
    paths, longest, alpha = 20_000, 2000, 0.01
    needed = rejection_counts(p0, alpha, longest)
    rng = np.random.default_rng(0)
    rejected = 0
    for _ in range(10):
        votes = np.cumsum(rng.random((paths // 10, longest), dtype=np.float32) < p0, axis=1)
        rejected += np.count_nonzero((votes >= needed).any(axis=1))
    assert 0 < rejected <= binom.ppf(1 - 1e-6, paths, alpha)


def test_a_plain_bound_consulted_after_every_draw_is_not_valid():
    paths, longest, alpha = 5000, 2000, 0.01
    draws = np.arange(1, longest + 1)
    needed = binom.isf(alpha, draws, 0.5) + 1
    flips = np.random.default_rng(0).random((paths, longest), dtype=np.float32) < 0.5
    rejected = np.count_nonzero((np.cumsum(flips, axis=1) >= needed).any(axis=1))
    assert rejected > 5 * alpha * paths


def test_price_of_anytime_validity():
    plain = lower_confidence_bound(99_000, 100_000, 1e-3)
    anytime = anytime_lower_bound(99_000, 100_000, 1e-3)
    assert norm.ppf([plain, anytime]) == pytest.approx([2.290, 2.275], abs=5e-4)


@given(TALLIES, LEVELS)
def test_the_lower_bound_is_where_the_evidence_ends(tally, alpha):
    n_top, n = tally
    lower = anytime_lower_bound(n_top, n, alpha)
    assert 0 <= lower <= lower_confidence_bound(n_top, n, alpha) < 1
    if n_top == 0:
        assert lower == 0
        return
    slightly_above = lower + 1e-3 * min(lower, 1 - lower)
    assert log_e_value(n_top, n, slightly_above) < -math.log(alpha)
    slightly_below = lower - 1e-6 * min(lower, 1 - lower)
    assert log_e_value(n_top, n, slightly_below) >= -math.log(alpha)


@given(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))),
    st.sampled_from([1e-9, 1e-3, 0.05, 0.5]),
)
def test_the_lower_bound_is_tight_and_safe_in_exact_arithmetic(tally, alpha):
    lower = anytime_lower_bound(*tally, alpha)
    assert exact_log_e(*tally, lower) >= -math.log(alpha)
    assert exact_log_e(*tally, lower * (1 + 2e-6)) < -math.log(alpha)


@given(TALLIES, LEVELS, LEVELS)
def test_bounds_are_monotone(tally, alpha, other):
    n_top, n = tally
    wide, narrow = min(alpha, other), max(alpha, other)
    slack = 1e-9
    assert anytime_lower_bound(n_top, n, wide) <= anytime_lower_bound(n_top, n, narrow) + slack
    assert anytime_upper_bound(n_top, n, wide) >= anytime_upper_bound(n_top, n, narrow) - slack
    if n_top < n:
        more = n_top + 1
        assert anytime_lower_bound(n_top, n, alpha) < anytime_lower_bound(more, n, alpha)
        assert anytime_upper_bound(n_top, n, alpha) <= anytime_upper_bound(more, n, alpha)


@given(TALLIES, LEVELS)
def test_the_upper_bound_is_the_mirror_and_outside_the_plain_one(tally, alpha):
    n_top, n = tally
    upper = anytime_upper_bound(n_top, n, alpha)
    assert upper_confidence_bound(n_top, n, alpha) <= upper <= 1
    assert upper == pytest.approx(1 - anytime_lower_bound(n - n_top, n, alpha), abs=1e-15)


@given(st.lists(TALLIES, min_size=1, max_size=5), LEVELS)
def test_arrays_and_numbers_agree(tallies, alpha):
    votes, draws = np.array(tallies).T
    for function in (anytime_lower_bound, anytime_upper_bound):
        one_by_one = [function(k, n, alpha) for k, n in tallies]
        assert all(type(value) is float for value in one_by_one)
        assert function(votes, draws, alpha) == pytest.approx(one_by_one, rel=1e-12)
    for function in (log_e_value, log_e_value_below):
        one_by_one = [function(k, n, 0.7) for k, n in tallies]
        assert function(votes, draws, 0.7) == pytest.approx(one_by_one, rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 10**5, 10**7, 10**9])
@pytest.mark.parametrize("alpha", [1e-300, 1e-12, 0.5, 1 - 1e-15])
def test_extremes_stay_finite(n, alpha):
    votes = np.unique([0, 1, n // 2, n - 1, n])
    lower, upper = anytime_lower_bound(votes, n, alpha), anytime_upper_bound(votes, n, alpha)
    assert np.isfinite(lower).all()
    assert np.isfinite(upper).all()
    assert lower[0] == 0 <= lower.max() < 1
    assert upper[-1] == 1 >= upper.min() > 0
    for p0 in (1e-300, 1e-12, 0.5, 1 - 1e-16):
        assert np.isfinite(log_e_value(votes, n, p0)).all()
        assert np.isfinite(log_e_value_below(votes, n, p0)).all()


def test_sequential_test_decides_both_ways():
    assert sequential_test(900, 1000, 0.8, 1e-3) == "certified"
    assert sequential_test(700, 1000, 0.8, 1e-3) == "refuted"
    assert sequential_test(800, 1000, 0.8, 1e-3) == "undecided"
    assert sequential_test(1, 1, 0.8, 1e-3) == "undecided"


@pytest.mark.parametrize("alpha", [1e-3, 0.01, 0.05])
def test_the_sequential_test_stops_at_one_over_alpha_and_no_earlier(alpha):
    """Unanimous draws double the evidence, or nearly: half the threshold is one draw earlier."""
    first = next(n for n in range(1, 100) if sequential_test(n, n, 0.5, alpha) == "certified")
    assert exact_log_e(first, first, 0.5) >= math.log(1 / alpha)
    assert exact_log_e(first - 1, first - 1, 0.5) < math.log(1 / alpha)
    assert sequential_test(0, first, 0.5, alpha) == "refuted"
    assert sequential_test(0, first - 1, 0.5, alpha) == "undecided"
    assert sequential_test(first, first, 1 - 1e-6, alpha) == "undecided"


@given(TALLIES, st.floats(0.01, 0.99), st.sampled_from([1e-6, 1e-3, 0.1]))
def test_sequential_test_agrees_with_the_anytime_bounds(tally, p0, alpha):
    lower, upper = anytime_lower_bound(*tally, alpha), anytime_upper_bound(*tally, alpha)
    outcome = sequential_test(*tally, p0, alpha)
    if min(abs(p0 - lower), abs(p0 - upper)) > 1e-6:
        expected = "certified" if p0 < lower else "refuted" if p0 > upper else "undecided"
        assert outcome == expected


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, np.nan, np.inf])
def test_impossible_levels_are_refused(level):
    for function in (log_e_value, log_e_value_below, anytime_lower_bound, anytime_upper_bound):
        with pytest.raises(ParameterError, match="give"):
            function(1, 2, level)
        with pytest.raises(ParameterError, match="n_top"):
            function(3, 2, 0.5)
    with pytest.raises(ParameterError, match="p0"):
        sequential_test(1, 2, level, 0.1)
    with pytest.raises(ParameterError, match="alpha"):
        sequential_test(1, 2, 0.5, level)
