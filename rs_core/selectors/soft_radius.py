"""The radius that mean softmax scores suggest: an estimate, never a certificate."""

import numpy as np
from scipy.special import ndtri

CLAMP = (0.001, 0.999)


def soft_radius(
    sigma: np.ndarray, scores: np.ndarray, clamp: tuple[float, float] = CLAMP
) -> np.ndarray:
    """sigma/2 * (PhiInv(E_A) - PhiInv(E_B)) of the two largest mean scores.

    Args:
        sigma: pixels of [0,1].
        scores: sigma's shape and K classes, mean softmax scores.
        clamp: bounds of the scores; a mean score of 1 would be an infinite radius.

    Alfarra et al. (2022), Algorithm 1; Zhai et al. (2020).
    """
    second, first = np.moveaxis(np.partition(scores, -2, axis=-1)[..., -2:], -1, 0)
    return np.asarray(sigma / 2 * (ndtri(np.clip(first, *clamp)) - ndtri(np.clip(second, *clamp))))


def one_sided_soft_radius(
    sigma: np.ndarray, scores: np.ndarray, clamp: tuple[float, float] = CLAMP
) -> np.ndarray:
    """sigma * PhiInv(max score), the concise form of Chen et al. (2021), section 3.1."""
    return np.asarray(sigma * ndtri(np.clip(scores.max(axis=-1), *clamp)))
