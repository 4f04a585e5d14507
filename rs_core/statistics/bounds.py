"""Votes become probabilities: exact binomial bounds for a number of draws fixed beforehand.

Every function takes numbers or arrays that broadcast, and gives a float for numbers.
"""

from typing import overload

import numpy as np
from scipy.special import betainc, betaincinv

from rs_core.errors import ParameterError
from rs_core.statistics.checks import Numbers, as_count, as_given, as_probability, as_tally

BELOW_ONE = float(np.nextafter(1.0, 0.0))


@overload
def lower_confidence_bound(n_top: float, n: float, alpha: float) -> float: ...
@overload
def lower_confidence_bound(n_top: np.ndarray, n: Numbers, alpha: Numbers) -> np.ndarray: ...
def lower_confidence_bound(n_top: Numbers, n: Numbers, alpha: Numbers) -> float | np.ndarray:
    """The exact one-sided lower bound p_lower: P(p_lower > p) <= alpha for every p.

    Strictly increasing in n_top, 0 at n_top=0, alpha**(1/n) at n_top=n, never 1. Valid for an n
    that was fixed before the votes were seen; while votes are still coming in, use
    `anytime_lower_bound`.

    Args:
        n_top: votes for the class, 0..n.
        n: draws, 1..1e9.
        alpha: error of this one statement, in (0, 1).

    Returns:
        Probabilities in [0, 1), broadcast over the arguments.

    Raises:
        ParameterError: a count or level outside its range, or NaN.

    Clopper and Pearson (1934); LowerConfBound in Cohen et al. (2019), Algorithm CERTIFY.
    """
    top, draws = as_tally(n_top, n)
    return as_given(_lower(top, draws, as_probability("alpha", alpha)))


@overload
def upper_confidence_bound(n_top: float, n: float, alpha: float) -> float: ...
@overload
def upper_confidence_bound(n_top: np.ndarray, n: Numbers, alpha: Numbers) -> np.ndarray: ...
def upper_confidence_bound(n_top: Numbers, n: Numbers, alpha: Numbers) -> float | np.ndarray:
    """The exact one-sided upper bound p_upper: P(p_upper < p) <= alpha for every p.

    The mirror of `lower_confidence_bound`: increasing in n_top, 1 at n_top=n, never 0.

    Raises:
        ParameterError: a count or level outside its range, or NaN.

    Clopper and Pearson (1934).
    """
    top, draws = as_tally(n_top, n)
    return as_given(_upper(top, draws, as_probability("alpha", alpha)))


@overload
def two_sided_bounds(counts: np.ndarray, top: int, alpha: float) -> tuple[float, float]: ...
@overload
def two_sided_bounds(
    counts: np.ndarray, top: np.ndarray, alpha: Numbers
) -> tuple[np.ndarray, np.ndarray]: ...
def two_sided_bounds(
    counts: np.ndarray, top: Numbers, alpha: Numbers
) -> tuple[float | np.ndarray, float | np.ndarray]:
    """(p_lower of the top class, p_upper of every other class), jointly at error alpha.

    p_lower is at level alpha/2, and so is the upper bound of each other class, INVALID included:
    their maximum is below the largest probability only if the bound of that very class, which no
    vote decides, is (docs/minimum.md). So it may be looked up after the votes are seen.

    Args:
        counts: votes (..., K+1), INVALID last; each row sums to its n.
        top: class index per row, shape (...); chosen on other draws than these.
        alpha: error of the joint statement, in (0, 1); a number or shape (...).

    Raises:
        ParameterError: negative or fractional votes, no votes, or a top that is no class.

    Lecuyer et al. (2019) and Cohen et al. (2019), Theorem 1; Berger (1982) for the maximum.
    """
    votes = as_count("counts", counts)
    if votes.ndim == 0 or votes.shape[-1] < 2:
        raise ParameterError(
            f"counts has shape {votes.shape}: give votes for at least two classes on the last axis."
        )
    classes = votes.shape[-1]
    chosen = as_count("top", top).astype(np.int64)
    if chosen.shape != votes.shape[:-1]:
        raise ParameterError(
            f"top has shape {chosen.shape}, counts {votes.shape}: give one top class per row."
        )
    if (chosen >= classes).any():
        raise ParameterError(
            f"top={chosen.max()} is no class: give indices from 0 to {classes - 1}."
        )
    is_top = np.arange(classes) == chosen[..., None]
    n_top = votes.max(axis=-1, where=is_top, initial=0.0)
    n_other = votes.max(axis=-1, where=~is_top, initial=0.0)
    n = as_count("n", votes.sum(axis=-1), low=1)
    level = as_probability("alpha", alpha) / 2
    return as_given(_lower(n_top, n, level)), as_given(_upper(n_other, n, level))


@overload
def top_two_p_value(n_first: float, n_second: float) -> float: ...
@overload
def top_two_p_value(n_first: np.ndarray, n_second: Numbers) -> np.ndarray: ...
def top_two_p_value(n_first: Numbers, n_second: Numbers) -> float | np.ndarray:
    """The exact two-sided p-value of "the two top classes are equally likely".

    1 where both counts are equal, none included. PREDICT abstains where it exceeds alpha.

    Args:
        n_first, n_second: votes of the two classes, whole numbers, in either order.

    Raises:
        ParameterError: a count outside its range, or NaN.

    Cohen et al. (2019), Algorithm PREDICT; Hung and Fithian (2019) for choosing the two classes
    by the same votes.
    """
    first, second = np.broadcast_arrays(
        as_count("n_first", n_first), as_count("n_second", n_second)
    )
    more, fewer = np.maximum(first, second), np.minimum(first, second)
    tail = betainc(np.maximum(more, 1.0), fewer + 1.0, 0.5)  # P(Bin(more + fewer, 1/2) >= more)
    return as_given(np.where(more == fewer, 1.0, np.minimum(1.0, 2.0 * tail)))


def _lower(n_top: np.ndarray, n: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Clopper-Pearson by its closed forms at 0 and n, where the beta quantile is undefined."""
    n_top, n, alpha = np.broadcast_arrays(n_top, n, alpha)
    inside = np.clip(n_top, 1.0, np.maximum(n - 1.0, 1.0))
    bound = betaincinv(inside, n - inside + 1.0, alpha)
    bound = np.where(n_top == n, np.exp(np.log(alpha) / n), bound)
    return np.minimum(np.where(n_top == 0, 0.0, bound), BELOW_ONE)


def _upper(n_top: np.ndarray, n: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """1 - the lower bound of the other votes, rounded up.

    `betainccinv` would avoid the subtraction but loses its digits below alpha about 1e-10.
    """
    n_top, n, alpha = np.broadcast_arrays(n_top, n, alpha)
    bound = np.nextafter(1.0 - _lower(n - n_top, n, alpha), 2.0)
    return np.where(n_top == 0, -np.expm1(np.log(alpha) / n), np.minimum(bound, 1.0))
