import math

import numpy as np
import pytest
from scipy.stats import ncx2

from rs_core.errors import ParameterError
from rs_core.statistics import (
    l2_radius,
    moving_sigma_radius,
    sigma_ratio_bounds,
    worst_runner_up,
)

TABLE = {
    (0.9, 784): (0.968, 1.033), (0.9, 3072): (0.984, 1.016), (0.9, 150_528): (0.9977, 1.0023),
    (0.99, 784): (0.942, 1.059), (0.99, 3072): (0.971, 1.030), (0.99, 150_528): (0.9958, 1.0042),
    (0.999, 784): (0.923, 1.079), (0.999, 3072): (0.961, 1.040),
    (0.999, 150_528): (0.9944, 1.0056),
}  # fmt: skip


@pytest.mark.parametrize("cell", TABLE)
def test_the_sigma_ratio_table(cell: tuple[float, int]) -> None:
    unit = 1e-4 if cell[1] > 10_000 else 1e-3
    assert sigma_ratio_bounds(*cell) == pytest.approx(TABLE[cell], abs=0.7 * unit)


@pytest.mark.parametrize(
    ("sigma", "p_lower", "distance", "rate", "dimension"),
    [
        *((0.25, 0.99, 0.3, 0.05, 784), (1.0, 0.9, 0.5, 0.01, 3072), (0.5, 0.999, 1.0, 0.1, 200)),
        *((0.25, 0.9, 0.5, 1.0, 10), (0.1, 0.99, 0.3, 1.0, 2)),  # here the smaller sigma is worse
    ],
)
def test_the_worst_case_agrees_with_monte_carlo(
    sigma: float, p_lower: float, distance: float, rate: float, dimension: int
) -> None:
    """The worst set is a likelihood-ratio set: fix its size under one Gaussian by simulation,
    then weigh it under the other."""
    rng = np.random.default_rng(0)
    worst = 0.0
    for sign in (-1.0, 1.0):
        other = sigma * math.exp(sign * rate * distance)
        n = 2_000_000
        # z: the coordinate along the shift; r: squared length of the other d - 1 of them.
        near = sigma * rng.standard_normal(n), sigma**2 * rng.chisquare(dimension - 1, n)
        far = distance + other * rng.standard_normal(n), other**2 * rng.chisquare(dimension - 1, n)

        def ratio(z: np.ndarray, r: np.ndarray, other: float = other) -> np.ndarray:
            return (z**2 + r) / (2 * sigma**2) - ((z - distance) ** 2 + r) / (2 * other**2)

        threshold = np.quantile(ratio(*near), p_lower)
        worst = max(worst, float((ratio(*far) > threshold).mean()))
    found = worst_runner_up(sigma, p_lower, distance, rate, dimension)
    assert found == pytest.approx(worst, abs=2e-3)


def test_the_radius_is_the_first_crossing_and_below_cohens() -> None:
    for rate, dimension in ((0.01, 3072), (0.05, 3072), (0.1, 784)):
        radius = moving_sigma_radius(0.25, 0.99, rate, dimension)
        assert 0 < radius < l2_radius(0.25, 0.99)
        assert worst_runner_up(0.25, 0.99, radius, rate, dimension) < 0.5
        assert worst_runner_up(0.25, 0.99, radius * 1.001, rate, dimension) >= 0.5
        for share in (0.1, 0.5, 0.9):
            assert worst_runner_up(0.25, 0.99, share * radius, rate, dimension) < 0.5


@pytest.mark.parametrize(
    ("sigma", "rate", "loss"), [(0.25, 0.01, 2), (1.0, 0.01, 21), (1.0, 0.05, 75)]
)
def test_losses_of_the_reference_settings(sigma: float, rate: float, loss: int) -> None:
    share = moving_sigma_radius(sigma, 0.99, rate, 3072) / l2_radius(sigma, 0.99)
    assert round(100 * (1 - share)) == loss


def test_what_cannot_be_computed_counts_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worst_runner_up(0.5, 0.9, 0.1, 1e-18, 784) == 1.0  # two sigmas that are one float
    monkeypatch.setattr(ncx2, "cdf", lambda *where: math.nan)
    assert worst_runner_up(0.5, 0.9, 0.1, 0.01, 784) == 1.0
    assert moving_sigma_radius(0.5, 0.9, 0.01, 784) == 0.0
    monkeypatch.undo()
    monkeypatch.setattr(ncx2, "sf", lambda *where: math.nan)
    assert worst_runner_up(0.5, 0.9, 0.1, 0.01, 784) == 1.0


def test_the_limits() -> None:
    assert moving_sigma_radius(0.5, 0.9, 0.0, 784) == l2_radius(0.5, 0.9)
    assert moving_sigma_radius(0.5, 0.5, 0.01, 784) == 0
    assert moving_sigma_radius(0.5, 0.9, 1e-4, 784) == pytest.approx(l2_radius(0.5, 0.9), rel=2e-3)
    assert moving_sigma_radius(0.5, 0.9, 1e-12, 784) <= l2_radius(0.5, 0.9)
    with pytest.raises(ParameterError, match="rate"):
        moving_sigma_radius(0.5, 0.9, -1.0, 784)
    with pytest.raises(ParameterError, match="p_lower"):
        sigma_ratio_bounds(0.4, 784)


@pytest.mark.parametrize("rate", [1e-300, 1e-9, 1e-5])
def test_a_tiny_slope_has_the_radius_of_a_larger_one(rate: float) -> None:
    """Below about 1e-5 the chi-squares failed, or did not end."""
    found = moving_sigma_radius(0.25, 0.99, rate, 3072)
    whole = float(l2_radius(0.25, 0.99))
    assert moving_sigma_radius(0.25, 0.99, 1e-3, 3072) < found <= whole
    assert found > 0.999 * whole
