"""The radius that mean softmax scores suggest: an estimate, never a certificate."""

import numpy as np
from scipy.special import ndtri

CLAMP = (0.001, 0.999)
UNCLAMPED = (5e-324, 1.0)  # a score of 0 everywhere (INVALID) would make inf - inf
_INFINITE = float(ndtri(1 - 2**-53))  # 8.2, at the largest score below 1


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


def finite(sigma: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Estimates as candidates record them, an infinite one as 8.2 sigma."""
    return np.where(np.isposinf(radius), _INFINITE * sigma, radius)


def infinite_note(radii: np.ndarray) -> tuple[str, ...]:
    """That estimates (S,) of one image are infinite, as they can be without a clamp; or nothing."""
    count = int(np.isposinf(radii).sum())
    return (f"infinite estimate at {count} of {len(radii)} sigmas",) if count else ()
