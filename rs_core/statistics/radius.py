"""Probabilities become radii: l2 of Gaussian and l1 of uniform smoothing, in sigma's unit."""

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import overload

import numpy as np
from scipy.special import ndtri

from rs_core.statistics.checks import (
    Numbers,
    as_array,
    as_count,
    as_given,
    as_positive,
    as_probability,
    refuse_where,
)

_MOST_DIGITS = 17
_MOST_SIGNIFICANT = 15
_ENOUGH_DIGITS = 330  # the 309 before the point of the largest float, and those after it


@overload
def l2_radius(sigma: float, p_lower: float) -> float: ...
@overload
def l2_radius(sigma: np.ndarray, p_lower: Numbers) -> np.ndarray: ...
@overload
def l2_radius(sigma: float, p_lower: np.ndarray) -> np.ndarray: ...
def l2_radius(sigma: Numbers, p_lower: Numbers) -> float | np.ndarray:
    """sigma * PhiInv(p_lower), and 0 (abstain) where p_lower <= 1/2.

    Args:
        sigma: noise, above 0, pixels of [0,1].
        p_lower: lower bound of the top class's probability, in [0, 1).

    Returns:
        The radius in pixels of [0,1] within which the smoothed class cannot change.

    Raises:
        ParameterError: sigma or p_lower outside its range, or NaN. p_lower=1 is refused: no
            finite number of draws shows it.

    Cohen et al. (2019), Theorem 1 with p_upper = 1 - p_lower.
    """
    noise, lower = as_positive("sigma", sigma), _as_lower(p_lower)
    return as_given(noise * np.maximum(ndtri(lower), 0.0))


@overload
def l2_radius_two_sided(sigma: float, p_lower: float, p_upper: float) -> float: ...
@overload
def l2_radius_two_sided(sigma: Numbers, p_lower: np.ndarray, p_upper: np.ndarray) -> np.ndarray: ...
def l2_radius_two_sided(sigma: Numbers, p_lower: Numbers, p_upper: Numbers) -> float | np.ndarray:
    """sigma/2 * (PhiInv(p_lower) - PhiInv(p_upper)), and 0 (abstain) where that is negative.

    Args:
        sigma: noise, above 0, pixels of [0,1].
        p_lower: lower bound of the top class's probability, in [0, 1).
        p_upper: upper bound of every other class's probability, in (0, 1].

    Raises:
        ParameterError: an argument outside its range, or NaN.

    Cohen et al. (2019), Theorem 1.
    """
    noise, lower = as_positive("sigma", sigma), _as_lower(p_lower)
    upper = _as_upper(p_upper)
    return as_given(noise / 2 * np.maximum(ndtri(lower) - ndtri(upper), 0.0))


def l1_radius(scale: Numbers, p_lower: Numbers, p_upper: Numbers) -> float | np.ndarray:
    """scale * (p_lower - p_upper), and 0 (abstain) where that is negative: an l1 radius.

    Args:
        scale: lambda of noise uniform on [-lambda, lambda]^d, above 0, pixels of [0,1].
        p_lower: lower bound of the top class's probability, in [0, 1).
        p_upper: upper bound of every other class's, in (0, 1]; 1 - p_lower where only the top
            class was bounded, which is 2 * scale * (p_lower - 1/2).

    Raises:
        ParameterError: an argument outside its range, or NaN.

    Two cubes moved apart by delta differ in at most |delta|_1 / (2 lambda) of their volume:
    Yang et al. (2020); Alfarra et al. (2022), section 3.
    """
    width, lower = as_positive("scale", scale), _as_lower(p_lower)
    return as_given(width * np.maximum(lower - _as_upper(p_upper), 0.0))


@overload
def radius_ceiling(sigma: float, n: float, alpha: float) -> float: ...
@overload
def radius_ceiling(sigma: np.ndarray, n: Numbers, alpha: Numbers) -> np.ndarray: ...
@overload
def radius_ceiling(sigma: float, n: np.ndarray, alpha: Numbers) -> np.ndarray: ...
def radius_ceiling(sigma: Numbers, n: Numbers, alpha: Numbers) -> float | np.ndarray:
    """The largest radius that n draws can certify: all n votes for one class.

    sigma * PhiInv(alpha**(1/n)), and 0 where n is below `smallest_n(alpha)`.

    Raises:
        ParameterError: an argument outside its range, or NaN.

    Cohen et al. (2019), section 3.2.2.
    """
    noise, draws = as_positive("sigma", sigma), as_count("n", n, low=1)
    missing = -np.expm1(np.log(as_probability("alpha", alpha)) / draws)  # 1 - alpha**(1/n)
    return as_given(noise * np.maximum(-ndtri(missing), 0.0))


def smallest_n(alpha: float) -> int:
    """The fewest draws that can certify anything: the least n with alpha**(1/n) > 1/2.

    Raises:
        ParameterError: alpha outside (0, 1), or NaN.
    """
    fraction, exponent = math.frexp(float(as_probability("alpha", alpha)))
    # alpha = fraction * 2**exponent with 1/2 <= fraction < 1; a power of two would only tie.
    return 1 - exponent + (fraction == 0.5)


def floor_decimals(value: float, digits: int) -> str:
    """The number for display, rounded down to `digits` decimals: 0.6789 -> "0.678" at 3.

    Reads the shortest decimal that stands for the float, so 0.3 stays "0.300".

    Args:
        value: finite.
        digits: decimals, 0..17.

    Raises:
        ParameterError: a value that is not finite, or digits outside 0..17.
    """
    number = float(as_array("value", value, "a finite number"))
    places = as_count("digits", digits)
    refuse_where("digits", places, places > _MOST_DIGITS, f"0 to {_MOST_DIGITS} decimals")
    step = Decimal(1).scaleb(-int(places))
    exact = Decimal(repr(number + 0.0))  # + 0.0 turns -0.0 into 0.0
    return f"{exact.quantize(step, rounding=ROUND_FLOOR, context=Context(prec=_ENOUGH_DIGITS)):f}"


def ceil_digits(value: float, digits: int) -> str:
    """A risk for display, rounded up to `digits` significant digits: 8.3333e-5 -> "8.34e-05" at 3.

    Args:
        value: finite, at least 0.
        digits: significant digits, 1..15: what every float gives back as it was written.

    Raises:
        ParameterError: a value that is not finite, or digits outside 1..15.
    """
    number = float(as_array("value", value, "a finite number"))
    places = as_count("digits", digits)
    wanted = f"1 to {_MOST_SIGNIFICANT} digits"
    refuse_where("digits", places, (places < 1) | (places > _MOST_SIGNIFICANT), wanted)
    exact = Decimal(repr(number + 0.0))
    step = Decimal(1).scaleb(exact.adjusted() - int(places) + 1)
    up = exact.quantize(step, rounding=ROUND_CEILING, context=Context(prec=_ENOUGH_DIGITS))
    return f"{float(up):.{int(places)}g}"


def add_risks(*risks: float) -> float:
    """The sum of probabilities as their decimals add: thirteen of 0.001 are 0.013, and no more.

    A sum of floats ends an ulp above, which `ceil_digits` would show as another digit.
    """
    return float(sum((Decimal(repr(float(risk))) for risk in risks), Decimal(0)))


def _as_lower(p_lower: Numbers) -> np.ndarray:
    wanted = "lower bounds from 0 to below 1"
    lower = as_array("p_lower", p_lower, wanted)
    refuse_where("p_lower", lower, (lower < 0) | (lower >= 1), wanted)
    return lower


def _as_upper(p_upper: Numbers) -> np.ndarray:
    wanted = "upper bounds above 0 and at most 1"
    upper = as_array("p_upper", p_upper, wanted)
    refuse_where("p_upper", upper, (upper <= 0) | (upper > 1), wanted)
    return upper
