"""Radii for a sigma that moves with the image: Sukenik, Kuvshinov, Guennemann (ICML 2022)."""

import math

from rs_core.errors import ParameterError
from rs_core.statistics.checks import as_count, as_positive
from rs_core.statistics.radius import l2_radius

_NONCENTRAL = 1e7  # from about 1e9 on the quantiles are wrong, or do not end
_STEPS = 256
_HALVINGS = 40


def sigma_ratio_bounds(p_lower: float, dimension: int) -> tuple[float, float]:
    """(low, high): at distance 0 a certificate survives only for sigma_1/sigma_0 between them.

    The worst set for another sigma is a ball or its outside, so the bounds are ratios of
    chi-square quantiles; in many dimensions they close in on 1 like PhiInv(p)/sqrt(2d).

    Args:
        p_lower: lower bound of the top class's probability, in (1/2, 1).
        dimension: d.
    """
    from scipy.stats import chi2  # 0.4 s: not for whoever moves no sigma

    if not 0.5 < p_lower < 1:
        raise ParameterError(f"p_lower={p_lower:.17g} must lie between 1/2 and 1.")
    d = int(as_count("dimension", dimension))
    half = chi2.ppf(0.5, d)
    return math.sqrt(chi2.isf(p_lower, d) / half), math.sqrt(chi2.ppf(p_lower, d) / half)


def worst_runner_up(
    sigma: float, p_lower: float, distance: float, rate: float, dimension: int
) -> float:
    """The largest probability of another class at `distance`, over the sigmas reachable there.

    Args:
        sigma: at the image, pixels of [0,1].
        p_lower: lower bound of the top class's probability there.
        distance: a, above 0.
        rate: Lipschitz constant of ln sigma per pixel unit, above 0.
        dimension: d.

    Returns:
        max(xi_minus, xi_plus) at sigma * exp(-+ rate * a), or 1 where the noncentral chi-square
        cannot be computed.

    Sukenik et al. (2022), Theorem 3 and its corollary: the ends of the range are the worst.
    """
    from scipy.stats import ncx2  # as above

    worst = 0.0
    for sign in (-1.0, 1.0):
        other = sigma * math.exp(sign * rate * distance)
        gap = abs(sigma**2 - other**2)
        if gap == 0:  # the two noises differ by less than a float can tell: fail closed
            return 1.0
        near, far = (distance * sigma / gap) ** 2, (distance * other / gap) ** 2
        scale = (sigma / other) ** 2
        if sign < 0:
            found = ncx2.cdf(scale * ncx2.isf(p_lower, dimension, near), dimension, far)
        else:
            found = ncx2.sf(scale * ncx2.ppf(p_lower, dimension, near), dimension, far)
        if not 0 <= found <= 1:  # NaN: fail closed
            return 1.0
        worst = max(worst, float(found))
    return worst


def moving_sigma_radius(sigma: float, p_lower: float, rate: float, dimension: int) -> float:
    """The radius that holds although the attacker moves sigma with the image; 0 for none.

    Args:
        sigma: at the image, above 0, pixels of [0,1].
        p_lower: lower bound of the top class's probability.
        rate: Lipschitz constant of ln sigma per pixel unit, at least 0 (0 is Cohen's radius).
        dimension: d, number of values of the image.

    Returns:
        The first distance at which another class could reach one half, rounded down; at most
        sigma * PhiInv(p_lower).
    """
    noise, d = float(as_positive("sigma", sigma)), int(as_count("dimension", dimension))
    if not rate >= 0:
        raise ParameterError(f"rate={rate:g} must be at least 0.")
    most = float(l2_radius(noise, p_lower))
    if rate == 0 or most == 0:
        return most
    # Who obeys a small slope obeys a larger one, whose radius is lower: at most .01 % in 3,072
    # values, .4 % in 150,528. The noncentralities are about 1/(2 sigma rate) squared.
    rate = max(rate, 0.5 / (noise * math.sqrt(_NONCENTRAL)))
    low = 0.0
    for step in range(1, _STEPS + 1):
        high = most * step / _STEPS
        if worst_runner_up(noise, p_lower, high, rate, d) >= 0.5:
            break
        low = high
    else:
        return most
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if worst_runner_up(noise, p_lower, middle, rate, d) < 0.5:
            low = middle
        else:
            high = middle
    return low
