"""Evidence that may be looked at after every draw: e-values, anytime bounds, a sequential test.

The e-value of H0: p <= p0 mixes the likelihood ratios of all p in (p0, 1) evenly. Under H0 it is
a nonnegative supermartingale that starts at 1, so it ever reaches 1/alpha with probability at
most alpha (Ville), whenever and for whatever reason one stops. Idea: Voracek (2024), "Treatment
of statistical estimation problems in randomized smoothing", NeurIPS; the even mixture is ours.
"""

from typing import Literal, overload

import numpy as np
from scipy.special import betainc, betaincc, betaln, gammaln, xlogy

from rs_core.statistics.checks import Numbers, as_given, as_probability, as_tally

Outcome = Literal["certified", "refuted", "undecided"]

_ROUNDING = 4 * float(np.finfo(np.float64).eps)
_TAIL_ERROR = 1e-12  # of the incomplete beta function, relative
_TAIL_FLOOR = 1e-290  # below it a tail has lost digits to underflow
_NEWTON_STEPS = 80
_TIGHT_ENOUGH = 1e-6  # of ln E, so of alpha, relative


@overload
def log_e_value(n_top: float, n: float, p0: float) -> float: ...
@overload
def log_e_value(n_top: np.ndarray, n: Numbers, p0: Numbers) -> np.ndarray: ...
def log_e_value(n_top: Numbers, n: Numbers, p0: Numbers) -> float | np.ndarray:
    """ln E, the evidence for p > p0 after n draws; reject H0: p <= p0 at ln E >= ln(1/alpha).

    Finite, decreasing in p0, and never above the exact value: rounding is subtracted, and where
    the tail underflows (E far below 1) the bound E >= 1/(n - n_top + 1) stands in.

    Args:
        n_top: votes for the class so far, 0..n.
        n: draws so far, 1..1e9.
        p0: the probability to beat, in (0, 1).

    Raises:
        ParameterError: a count or p0 outside its range, or NaN.
    """
    top, draws = as_tally(n_top, n)
    p = as_probability("p0", p0)
    return as_given(_log_e(top, draws - top, p, 1.0 - p))


@overload
def log_e_value_below(n_top: float, n: float, p0: float) -> float: ...
@overload
def log_e_value_below(n_top: np.ndarray, n: Numbers, p0: Numbers) -> np.ndarray: ...
def log_e_value_below(n_top: Numbers, n: Numbers, p0: Numbers) -> float | np.ndarray:
    """ln E, the evidence for p < p0 after n draws: the mirror of `log_e_value`, H0: p >= p0.

    Raises:
        ParameterError: a count or p0 outside its range, or NaN.
    """
    top, draws = as_tally(n_top, n)
    p = as_probability("p0", p0)
    return as_given(_log_e(draws - top, top, 1.0 - p, p))


@overload
def anytime_lower_bound(n_top: float, n: float, alpha: float) -> float: ...
@overload
def anytime_lower_bound(n_top: np.ndarray, n: Numbers, alpha: Numbers) -> np.ndarray: ...
def anytime_lower_bound(n_top: Numbers, n: Numbers, alpha: Numbers) -> float | np.ndarray:
    """inf{p0: E < 1/alpha}: with probability 1 - alpha it is below p after every draw at once.

    A little below `lower_confidence_bound`, in return for being valid at any stopping time.
    Rounded down; 0 at n_top=0; never 1.

    Args:
        n_top: votes for the class so far, 0..n.
        n: draws so far, 1..1e9.
        alpha: error of the whole run, in (0, 1).

    Raises:
        ParameterError: a count or level outside its range, or NaN.
    """
    top, draws = as_tally(n_top, n)
    log_bound = _log_bound(top, draws - top, as_probability("alpha", alpha))
    return as_given(np.nextafter(np.exp(log_bound), 0.0))


@overload
def anytime_upper_bound(n_top: float, n: float, alpha: float) -> float: ...
@overload
def anytime_upper_bound(n_top: np.ndarray, n: Numbers, alpha: Numbers) -> np.ndarray: ...
def anytime_upper_bound(n_top: Numbers, n: Numbers, alpha: Numbers) -> float | np.ndarray:
    """The mirror of `anytime_lower_bound`: above p after every draw. Rounded up; never 0.

    Raises:
        ParameterError: a count or level outside its range, or NaN.
    """
    top, draws = as_tally(n_top, n)
    log_bound = _log_bound(draws - top, top, as_probability("alpha", alpha))
    return as_given(np.minimum(np.nextafter(-np.expm1(log_bound), 2.0), 1.0))


def sequential_test(n_top: int, n: int, p0: float, alpha: float) -> Outcome:
    """What the draws so far say about p > p0; may be asked after every draw.

    "certified" and "refuted" are each wrong with probability at most alpha over the whole run.
    For "radius >= r" take p0 = Phi(r/sigma).

    Raises:
        ParameterError: a count, p0 or level outside its range, or NaN.
    """
    threshold = -float(np.log(as_probability("alpha", alpha)))
    if log_e_value(n_top, n, p0) >= threshold:
        return "certified"
    if log_e_value_below(n_top, n, p0) >= threshold:
        return "refuted"
    return "undecided"


def _log_e(top: np.ndarray, rest: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """ln of int_p^1 t^top (1-t)^rest dt / (q p^top q^rest), rounded down; q is 1 - p."""
    tail = np.where(p < 0.5, betaincc(top + 1, rest + 1, p), betainc(rest + 1, top + 1, q))
    prior, likelihood = betaln(top + 1, rest + 1), xlogy(top, p) + xlogy(rest, q)
    exact = prior + np.log(np.maximum(tail, _TAIL_FLOOR)) - np.log(q) - likelihood
    # E decreases in p0 and is 1/(rest + 1) at p0 = 1.
    log_e = np.maximum(np.where(tail > _TAIL_FLOOR, exact, -np.inf), -np.log1p(rest))
    lost = _TAIL_ERROR + _ROUNDING * (gammaln(top + rest + 2) - likelihood)
    return np.asarray(log_e - lost)


def _log_bound(top: np.ndarray, rest: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """ln of the largest found p0 with E >= 1/alpha, by Newton's method; -inf where top is 0.

    E = int_0^1 (u + (1-u)/p0)^top u^rest du, so ln E is convex and decreasing in s = ln p0 and
    Newton's steps from below the root never pass it: every iterate is a valid bound. The first
    one follows from E >= p0^-top B(top+1, rest+1).
    """
    top, rest, alpha = np.broadcast_arrays(top, rest, alpha)
    none, top, log_alpha = top == 0, np.maximum(top, 1.0), np.log(alpha)
    prior = betaln(top + 1, rest + 1) - _ROUNDING * gammaln(top + rest + 2)
    valid = trial = (prior + log_alpha) / top
    moving = np.ones(top.shape, dtype=bool)
    for _ in range(_NEWTON_STEPS):
        p, q = np.exp(trial), -np.expm1(trial)
        log_e = _log_e(top, rest, p, q)
        excess = log_e + log_alpha
        valid = np.where(moving & (excess >= 0), trial, valid)
        moving = moving & (excess > _TIGHT_ENOUGH)
        if not moving.any():
            break
        slope = (rest + 1 - np.exp(-log_e)) * p / q - top
        # Aim a little short of the root, so that rounding does not carry the last step past it.
        trial = np.where(moving, trial - (excess - _TIGHT_ENOUGH / 2) / slope, trial)
    return np.where(none, -np.inf, valid)
