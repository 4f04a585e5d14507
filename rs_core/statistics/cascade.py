"""Radii of a cascade over sigmas: the largest sigma at which a class has a majority answers."""

import numpy as np
from scipy.special import ndtri

from rs_core.errors import ParameterError
from rs_core.statistics.checks import as_array, as_positive

MAJORITY = 0.5


def cascade_terms(sigmas: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """What keeps the answer c of scale k at every distance below it, for each k, c and scale j.

    The cascade asks its scales from the largest sigma down, and the first at which some class has
    more than half of the probability answers with it. Phi^-1 of a probability is
    1/sigma-Lipschitz, so within sigma_k Phi^-1(p_k(c)) scale k still has c above one half, and
    within -sigma_j Phi^-1(p_j(c')) a higher scale j has the other class c' below it: c is answered
    there or above.

    Args:
        sigmas: (S,) ascending, pixels of [0,1].
        lower: (S, K) lower bounds of each class's probability, in [0, 1).
        upper: (S, K) upper bounds, in (0, 1].

    Returns:
        (S, K, S): at [k, c, k] the distance up to which scale k answers c; at [k, c, j], j > k, up
        to which no other class answers at j; infinity below k. The radius is the smallest, where
        it is above 0. Pixels of [0,1].

    Raises:
        ParameterError: sigmas do not ascend, shapes disagree, or a bound is no probability.

    Jeong and Shin (2023), with other classes kept out of the scales above, which may themselves
    answer c or nothing (docs/cascade.md).
    """
    noise = as_positive("sigmas", sigmas)
    low, high = as_array("lower", lower, "numbers"), as_array("upper", upper, "numbers")
    if noise.ndim != 1 or (np.diff(noise) <= 0).any() or low.ndim != 2 or low.shape != high.shape:
        raise ParameterError("give ascending sigmas (S,) and bounds of equal shape (S, K).")
    if len(noise) != len(low) or low.min() < 0 or low.max() >= 1 or high.min() <= 0:
        raise ParameterError("give a row of bounds per sigma: lower in [0, 1), upper in (0, 1].")
    scales, classes = low.shape
    terms = np.full((scales, classes, scales), np.inf)
    with np.errstate(divide="ignore"):
        silent = -noise[:, None] * ndtri(_most_of_others(high))
        own = noise[:, None] * ndtri(low)
    for k in range(scales):
        terms[k, :, k] = own[k]
        terms[k, :, k + 1 :] = silent[k + 1 :].T
    return terms


def _most_of_others(upper: np.ndarray) -> np.ndarray:
    """(S, K): the largest bound of a class other than c; the smallest positive number of none."""
    classes = upper.shape[1]
    if classes == 1:
        return np.full_like(upper, np.finfo(np.float64).tiny)
    ordered = np.sort(upper, axis=1)
    is_most = np.arange(classes) == upper.argmax(axis=1)[:, None]
    return np.where(is_most, ordered[:, -2:-1], ordered[:, -1:])
