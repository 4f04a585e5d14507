from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from rs_core.errors import ParameterError
from rs_core.statistics import (
    add_risks,
    ceil_digits,
    floor_decimals,
    l1_radius,
    l2_radius,
    l2_radius_two_sided,
    lower_confidence_bound,
    radius_ceiling,
    smallest_n,
)

SIGMAS = st.floats(1e-3, 10)
BELOW_ONE = float(np.nextafter(1.0, 0.0))


@given(SIGMAS, st.floats(0, BELOW_ONE))
def test_radius_is_the_quantile_above_one_half_and_zero_below(sigma, p_lower):
    radius = l2_radius(sigma, p_lower)
    assert type(radius) is float
    assert np.isfinite(radius)
    if p_lower <= 0.5:
        assert radius == 0
    else:
        assert radius == pytest.approx(sigma * norm.ppf(p_lower), rel=1e-12)
        assert radius > 0


@given(SIGMAS, st.floats(0, BELOW_ONE))
def test_l1_radius_is_linear_and_twice_the_lead_over_one_half(scale, p_lower):
    radius = l1_radius(scale, p_lower, 1 - p_lower)
    assert type(radius) is float
    assert radius == pytest.approx(max(2 * scale * (p_lower - 0.5), 0), abs=1e-12)
    assert 0 <= radius <= scale


def test_l1_radius_of_two_bounds():
    assert l1_radius(0.5, 0.9, 0.1) == pytest.approx(0.4)
    assert l1_radius(0.5, 0.4, 0.6) == 0
    radii = l1_radius(np.array([0.5, 1.0]), np.array([0.3, 0.9]), np.array([0.1, 0.95]))
    assert radii.tolist() == [pytest.approx(0.1), 0]
    for wrong in ((0.0, 0.9, 0.1), (0.5, 1.0, 0.1), (0.5, 0.9, 0.0), (0.5, np.nan, 0.1)):
        with pytest.raises(ParameterError):
            l1_radius(*wrong)


def test_radius_broadcasts():
    radii = l2_radius(np.array([[0.25], [0.5]]), np.array([0.4, 0.9, 0.99]))
    assert radii.shape == (2, 3)
    assert radii[1].tolist() == [l2_radius(0.5, p) for p in (0.4, 0.9, 0.99)]


@given(SIGMAS, st.floats(0, BELOW_ONE), st.floats(5e-324, 1))
def test_two_sided_radius_is_half_the_gap(sigma, p_lower, p_upper):
    radius = l2_radius_two_sided(sigma, p_lower, p_upper)
    gap = norm.ppf(p_lower) - norm.ppf(p_upper)
    assert np.isfinite(radius)
    assert radius == pytest.approx(max(0.0, sigma / 2 * gap), rel=1e-9, abs=1e-12)


@given(SIGMAS, st.floats(0.51, 0.999999))
def test_two_sided_radius_with_the_complement_is_the_one_sided_radius(sigma, p_lower):
    assert l2_radius_two_sided(sigma, p_lower, 1 - p_lower) == pytest.approx(
        l2_radius(sigma, p_lower), rel=1e-9
    )


@pytest.mark.parametrize(
    ("n", "ceiling"),
    [(100, 1.5005), (1000, 2.4633), (10**4, 3.1986), (10**5, 3.8115), (10**6, 4.3468)],
)
def test_published_ceilings(n, ceiling):
    assert radius_ceiling(1.0, n, 1e-3) == pytest.approx(ceiling, abs=5e-5)
    assert radius_ceiling(0.5, n, 1e-3) == pytest.approx(ceiling / 2, abs=5e-5)


@given(st.integers(1, 10**7), st.floats(1e-12, 0.5), SIGMAS)
def test_unanimous_votes_reach_the_ceiling_and_no_more(n, alpha, sigma):
    ceiling = radius_ceiling(sigma, n, alpha)
    unanimous = l2_radius(sigma, lower_confidence_bound(n, n, alpha))
    assert unanimous == pytest.approx(ceiling, rel=1e-8, abs=1e-12 * sigma)
    if n > 1:
        assert l2_radius(sigma, lower_confidence_bound(n - 1, n, alpha)) <= ceiling
    if abs(alpha - 2.0**-n) > 1e-9 * alpha:
        assert (ceiling > 0) == (n >= smallest_n(alpha))


def test_ceiling_broadcasts_and_is_zero_below_the_smallest_n():
    ceilings = radius_ceiling(1.0, np.array([1, 9, 10, 10**7]), 1e-3)
    assert ceilings[:2].tolist() == [0.0, 0.0]
    assert 0 < ceilings[2] < ceilings[3]
    assert radius_ceiling(0.5, 1, 0.5) == 0.0


@given(
    st.one_of(st.floats(1e-300, 1, exclude_max=True), st.integers(1, 1074).map(lambda k: 2.0**-k))
)
def test_smallest_n_by_exact_arithmetic(alpha):
    n = smallest_n(alpha)
    assert Fraction(alpha) * 2**n > 1
    assert n == 1 or Fraction(alpha) * 2 ** (n - 1) <= 1


@pytest.mark.parametrize(("alpha", "n"), [(0.001, 10), (0.5, 2), (0.25, 3), (2**-10, 11), (0.9, 1)])
def test_smallest_n_known_values(alpha, n):
    assert smallest_n(alpha) == n


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.3, 3, "0.300"),
        (0.6789, 3, "0.678"),
        (0.9999999, 3, "0.999"),
        (1.1, 1, "1.1"),
        (0.1 + 0.2, 3, "0.300"),
        (0.0, 2, "0.00"),
        (-0.0, 2, "0.00"),
        (-0.001, 2, "-0.01"),
        (1e-300, 2, "0.00"),
        (12.0, 0, "12"),
        (np.float64(0.1239), 3, "0.123"),
    ],
)
def test_floor_decimals_known_values(value, digits, text):
    assert floor_decimals(value, digits) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 17))
def test_floor_decimals_never_rounds_up(value, digits):
    shown = Decimal(floor_decimals(value, digits))
    gap = Fraction(Decimal(repr(value))) - Fraction(shown)
    assert 0 <= gap < Fraction(1, 10**digits)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0, "wide"])
def test_impossible_arguments_are_refused(bad):
    calls = [
        lambda: l2_radius(bad, 0.9),
        lambda: l2_radius(0.5, bad),
        lambda: l2_radius(np.array([0.5, 0.0]), 0.9),
        lambda: l2_radius(0.5, 1.0),
        lambda: l2_radius_two_sided(0.5, 1.0, 0.1),
        lambda: l2_radius_two_sided(0.5, 0.9, bad),
        lambda: l2_radius_two_sided(0.5, 0.9, 0.0),
        lambda: radius_ceiling(bad, 10, 0.1),
        lambda: radius_ceiling(0.5, bad, 0.1),
        lambda: radius_ceiling(0.5, 10, bad),
        lambda: smallest_n(bad),
        lambda: floor_decimals(0.5, bad),
        lambda: floor_decimals(0.5, 18),
        lambda: ceil_digits(0.5, 0),
        lambda: ceil_digits(0.5, 16),
    ]
    for call in calls:
        with pytest.raises(ParameterError, match="give"):
            call()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_floor_decimals_refuses_what_is_not_finite(value):
    with pytest.raises(ParameterError, match="finite"):
        floor_decimals(value, 3)


@given(st.floats(1e-15, 1e6), st.integers(1, 8))
def test_risks_are_rounded_up(value: float, digits: int) -> None:
    shown = float(ceil_digits(value, digits))
    assert value <= shown <= value * (1 + 10.0 ** (1 - digits)) * (1 + 1e-12)


def test_exact_risks_stay_as_they_are() -> None:
    assert ceil_digits(0.001, 3) == "0.001"
    assert ceil_digits(add_risks(*[0.001] * 13), 3) == "0.013"
    assert ceil_digits(sum([0.001] * 13), 3) == "0.0131"
    assert ceil_digits(1e-3 / 12, 3) == "8.34e-05"
    assert ceil_digits(0.0, 3) == "0"


@given(st.floats(0, 1, allow_subnormal=False), st.integers(1, 15))
def test_a_risk_is_never_shown_below_itself_in_exact_decimals(risk: float, digits: int) -> None:
    exact, shown = Decimal(repr(risk)), Decimal(ceil_digits(risk, digits))
    assert exact <= shown
    assert len(shown.normalize().as_tuple().digits) <= digits


@given(st.floats(0, BELOW_ONE), st.integers(0, 15))
def test_a_probability_below_one_is_never_shown_as_one(value: float, digits: int) -> None:
    assert Decimal(floor_decimals(value, digits)) <= Decimal(repr(value)) < 1


@given(st.lists(st.integers(0, 10**6), max_size=20), st.integers(0, 9))
def test_risks_add_as_their_decimals_do(parts: list[int], places: int) -> None:
    risks = [float(Decimal(part).scaleb(-places)) for part in parts]
    assert add_risks(*risks) == float(Decimal(sum(parts)).scaleb(-places))
    assert ceil_digits(add_risks(0.01, 0.01, 0.1), 3) == "0.12"
