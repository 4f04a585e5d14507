import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom, binomtest, norm
from statsmodels.stats.proportion import proportion_confint

from rs_core.errors import ParameterError
from rs_core.statistics import (
    l2_radius,
    l2_radius_two_sided,
    lower_confidence_bound,
    top_two_p_value,
    two_sided_bounds,
    upper_confidence_bound,
)

ALPHA = 1e-3
LEVELS = st.floats(1e-12, 0.999)
TALLIES = st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def wilson(k, n, alpha):
    z, p = norm.isf(alpha), k / n
    spread = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (p + z**2 / (2 * n) - spread) / (1 + z**2 / n)


def agresti_coull(k, n, alpha):
    z = norm.isf(alpha)
    p = (k + z**2 / 2) / (n + z**2)
    return p - z * np.sqrt(p * (1 - p) / (n + z**2))


def twice_the_level(k, n, alpha):
    return lower_confidence_bound(k, n, 2 * alpha)


def jeffreys(k, n, alpha):
    return beta.ppf(alpha, k + 0.5, n - k + 0.5)


def wald(k, n, alpha):
    return k / n - norm.isf(alpha) * np.sqrt(k / n * (1 - k / n) / n)


def off_by_one(k, n, alpha):
    return np.where(k == n, 1.0, lower_confidence_bound(np.minimum(k + 1, n), n, alpha))


def hoeffding(k, n, alpha):
    return k / n - np.sqrt(-np.log(alpha) / (2 * n))


def worst_failure(bound, n=100, alpha=ALPHA):
    """Exact sup over p >= 1/2 of P(bound > p), over alpha, for a bound increasing in k."""
    votes = np.arange(n + 1)
    lower = bound(votes, n, alpha)
    just_below = np.nextafter(np.minimum(lower, 1.0), 0.0)
    return binom.sf(votes - 1, n, just_below)[lower > 0.5].max() / alpha


@pytest.mark.parametrize("n", [10, 100, 1000, 10_000, 100_000])
def test_the_tail_at_the_bound_is_alpha_for_every_count(n):
    step = 1 if n <= 10_000 else 37
    votes = np.unique(np.r_[np.arange(1, n + 1, step), n])
    lower = lower_confidence_bound(votes, n, ALPHA)
    assert np.abs(binom.sf(votes - 1, n, lower) / ALPHA - 1).max() < 1e-10
    assert (np.diff(lower) > 0).all()
    assert lower[-1] == pytest.approx(ALPHA ** (1 / n), rel=1e-15)
    assert lower_confidence_bound(0, n, ALPHA) == 0.0


@pytest.mark.parametrize("n", [10, 100, 1000, 10_000])
def test_the_upper_tail_at_the_upper_bound_is_alpha(n):
    votes = np.arange(n)
    upper = upper_confidence_bound(votes, n, ALPHA)
    assert np.abs(binom.cdf(votes, n, upper) / ALPHA - 1).max() < 1e-9
    assert (np.diff(upper) > 0).all()
    assert upper_confidence_bound(n, n, ALPHA) == 1.0


def test_worst_case_failure_is_alpha_and_no_more():
    assert 1 - 1e-9 < worst_failure(lower_confidence_bound) <= 1 + 1e-9
    assert worst_failure(hoeffding) == pytest.approx(0.13, abs=0.01)


@pytest.mark.parametrize(
    ("bound", "factor"),
    [
        (wilson, 1.3),
        (agresti_coull, 1.2),
        (twice_the_level, 2.0),
        (jeffreys, 4.5),
        (wald, 1000.0),
        (off_by_one, 1000.0),
    ],
)
def test_the_same_check_rejects_each_bad_bound(bound, factor):
    worst = worst_failure(bound)
    assert worst > 1 + 1e-9
    assert worst == pytest.approx(factor, rel=0.06)


def test_bisection_of_the_binomial_tail_finds_the_same_bound():
    for n, alpha in [(7, 0.05), (100, 1e-3), (1000, 1e-6), (100_000, 1e-3)]:
        votes = np.unique(np.geomspace(1, n, 25).astype(int))
        low, high = np.zeros(len(votes)), np.ones(len(votes))
        for _ in range(60):
            middle = (low + high) / 2
            rare = binom.sf(votes - 1, n, middle) < alpha
            low, high = np.where(rare, middle, low), np.where(rare, high, middle)
        assert lower_confidence_bound(votes, n, alpha) == pytest.approx(low, rel=1e-11)


@pytest.mark.parametrize("n", [10, 137, 5000])
def test_statsmodels_agrees_away_from_zero_votes(n):
    votes = np.arange(1, n + 1)
    reference, _ = proportion_confint(votes, n, alpha=2 * ALPHA, method="beta")
    assert lower_confidence_bound(votes, n, ALPHA) == pytest.approx(np.asarray(reference), rel=1e-9)


@pytest.mark.parametrize(
    ("n", "p_lower"), [(100, 0.93325), (1000, 0.99312), (10**4, 0.999309), (10**6, 0.9999931)]
)
def test_published_caps(n, p_lower):
    assert lower_confidence_bound(n, n, ALPHA) == pytest.approx(p_lower, abs=6e-6)


@pytest.mark.parametrize(
    ("n_top", "n", "pointwise", "simultaneous"),
    [(90_000, 100_000, 1.2648, 1.2605), (900, 1000, 1.1145, 1.0731)],
)
def test_price_of_a_simultaneous_band_of_twenty(n_top, n, pointwise, simultaneous):
    alphas = np.array([ALPHA, ALPHA / 20])
    radii = l2_radius(1.0, lower_confidence_bound(np.array([n_top, n_top]), n, alphas))
    assert radii == pytest.approx([pointwise, simultaneous], abs=5e-5)


@given(TALLIES, LEVELS)
def test_bounds_enclose_the_rate_and_mirror_each_other(tally, alpha):
    n_top, n = tally
    lower = lower_confidence_bound(n_top, n, alpha / 2)
    upper = upper_confidence_bound(n_top, n, alpha / 2)
    assert 0 <= lower <= n_top / n <= upper <= 1
    assert lower < 1
    assert upper > 0
    assert upper == pytest.approx(1 - lower_confidence_bound(n - n_top, n, alpha / 2), abs=1e-14)


@given(TALLIES, LEVELS, LEVELS)
def test_more_votes_or_more_risk_raise_the_lower_bound(tally, alpha, other):
    n_top, n = tally
    assert lower_confidence_bound(n_top, n, min(alpha, other)) <= lower_confidence_bound(
        n_top, n, max(alpha, other)
    )
    if n_top < n:
        assert lower_confidence_bound(n_top, n, alpha) < lower_confidence_bound(n_top + 1, n, alpha)
        assert upper_confidence_bound(n_top, n, alpha) <= upper_confidence_bound(
            n_top + 1, n, alpha
        )


@given(st.lists(TALLIES, min_size=1, max_size=5), LEVELS)
def test_arrays_and_numbers_agree(tallies, alpha):
    votes, draws = np.array(tallies).T
    for function in (lower_confidence_bound, upper_confidence_bound):
        one_by_one = [function(k, n, alpha) for k, n in tallies]
        assert all(type(value) is float for value in one_by_one)
        assert function(votes, draws, alpha).tolist() == one_by_one
    by_level = lower_confidence_bound(votes[:, None], draws[:, None], np.array([alpha, alpha / 2]))
    assert by_level.shape == (len(tallies), 2)


@pytest.mark.parametrize("n", [1, 2, 10**5, 10**7, 10**9])
@pytest.mark.parametrize("alpha", [1e-300, 1e-12, 0.5, 1 - 1e-16])
def test_extremes_stay_finite_and_below_one(n, alpha):
    votes = np.unique([0, 1, n // 2, n - 1, n])
    lower = lower_confidence_bound(votes, n, alpha)
    upper = upper_confidence_bound(votes, n, alpha)
    assert np.isfinite(lower).all()
    assert np.isfinite(upper).all()
    assert lower[0] == 0 <= lower.max() < 1
    assert upper[-1] == 1 >= upper.min() > 0


@pytest.mark.parametrize(
    ("n_top", "n", "alpha"),
    [
        (5, 4, 0.1),
        (-1, 4, 0.1),
        (1.5, 4, 0.1),
        ("many", 4, 0.1),
        (np.nan, 4, 0.1),
        (1, 0, 0.1),
        (1, np.nan, 0.1),
        (1, 10**10, 0.1),
        (1, 10**400, 0.1),
        (1, 4, 0.0),
        (1, 4, 1.0),
        (1, 4, np.nan),
        (1, 4, np.inf),
        (np.array([1, 5]), np.array([4, 4]), 0.1),
    ],
)
def test_impossible_arguments_are_refused(n_top, n, alpha):
    for function in (lower_confidence_bound, upper_confidence_bound):
        with pytest.raises(ParameterError, match="give"):
            function(n_top, n, alpha)


def test_refusals_name_the_value_and_the_limit():
    with pytest.raises(ParameterError, match=r"^n_top=5 is above n: give at most"):
        lower_confidence_bound(np.array([1, 5]), 4, 0.1)
    with pytest.raises(ParameterError, match=r"^alpha=1 is out of range: give numbers above 0"):
        lower_confidence_bound(1, 4, 1.0)
    with pytest.raises(ParameterError, match=r"^n holds nan: give whole numbers from 1 to"):
        lower_confidence_bound(1, np.nan, 0.1)


@pytest.mark.parametrize("classes", [10, 11])
@pytest.mark.parametrize(
    ("top", "second", "radius"), [(0.8, 0.05, 1.225), (0.6, 0.1, 0.752), (0.95, 0.01, 1.955)]
)
def test_two_sided_numbers(classes, top, second, radius):
    """With alpha shared out among 11 they are 1.222, .750 and 1.951, as published."""
    n = 100_000
    counts = np.full(classes, round((1 - top - second) * n) // (classes - 2))
    counts[[3, 5]] = 0, round(second * n)
    counts[3] = n - counts.sum()
    p_lower, p_upper = two_sided_bounds(counts, 3, ALPHA)
    assert l2_radius_two_sided(1.0, p_lower, p_upper) == pytest.approx(radius, abs=6e-4)


def test_two_sided_counts_invalid_as_a_class_and_as_a_rival():
    counts = np.array([[700, 200, 100], [700, 100, 200]])
    p_lower, p_upper = two_sided_bounds(counts, np.array([0, 0]), 0.02)
    assert p_lower.tolist() == [lower_confidence_bound(700, 1000, 0.01)] * 2
    assert p_upper.tolist() == [upper_confidence_bound(200, 1000, 0.01)] * 2


def test_two_sided_bounds_keep_leading_axes():
    counts = np.random.default_rng(0).multinomial(50, [0.5, 0.3, 0.2], size=(2, 4))
    top = counts.argmax(axis=-1)
    p_lower, p_upper = two_sided_bounds(counts, top, 0.01)
    assert p_lower.shape == p_upper.shape == (2, 4)
    for row in np.ndindex(2, 4):
        single = two_sided_bounds(counts[row], int(top[row]), 0.01)
        assert single == (p_lower[row], p_upper[row])


def test_two_sided_bounds_fail_jointly_at_most_alpha():
    trials, alpha = 100_000, 0.02
    chances = np.array([0.34, 0.33, 0.33, 0.0])
    counts = np.random.default_rng(1).multinomial(300, chances, size=trials)
    p_lower, p_upper = two_sided_bounds(counts, np.zeros(trials, dtype=np.int64), alpha)
    false = np.count_nonzero((p_lower > chances[0]) | (p_upper < chances[1:].max()))
    assert false <= binom.ppf(1 - 1e-6, trials, alpha)
    assert (p_lower > chances[0]).any()


def test_two_sided_bounds_fail_as_often_as_they_may_where_one_other_class_leads():
    """The two halves of alpha are all used up: more classes would not need more."""
    trials, alpha = 100_000, 0.1
    chances = np.array([0.55, 0.35, *[0.01] * 10, 0.0])
    counts = np.random.default_rng(1).multinomial(2000, chances, size=trials)
    p_lower, p_upper = two_sided_bounds(counts, np.zeros(trials, dtype=np.int64), alpha)
    false = np.count_nonzero((p_lower > chances[0]) | (p_upper < chances[1]))
    assert 0.6 * alpha * trials < false <= binom.ppf(1 - 1e-6, trials, alpha)


@pytest.mark.parametrize(
    ("counts", "top"),
    [
        (5, 0),
        ([3], 0),
        ([0, 0], 0),
        ([-1, 4], 0),
        ([1.5, 4], 0),
        ([np.nan, 1], 0),
        ([1, 2], 2),
        ([1, 2], -1),
        ([1, 2], np.array([0, 1])),
        ([[1, 2], [2, 1]], 0),
    ],
)
def test_two_sided_refuses_impossible_votes(counts, top):
    with pytest.raises(ParameterError, match="give"):
        two_sided_bounds(np.array(counts), top, 0.1)


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_top_two_p_value_is_the_two_sided_binomial_test(first, second):
    total = first + second
    reference = binomtest(first, total, 0.5).pvalue if total else 1.0
    assert top_two_p_value(first, second) == pytest.approx(reference, rel=1e-9)
    assert top_two_p_value(second, first) == top_two_p_value(first, second)


def test_top_two_p_value_takes_arrays_and_refuses_nonsense():
    values = top_two_p_value(np.array([0, 10, 60]), np.array([0, 0, 40]))
    assert values.tolist() == [1.0, 2**-9, top_two_p_value(60, 40)]
    assert 0 <= top_two_p_value(10**9, 0) < 1e-300
    for votes in (-1, 0.5, np.nan):
        with pytest.raises(ParameterError, match="give"):
            top_two_p_value(votes, 3)
