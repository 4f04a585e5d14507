"""The radius that mean softmax scores suggest: an estimate, never a certificate."""

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

from rs_core.results import Norm

CLAMP = (0.001, 0.999)
PAPER_CLAMP = (0.02, 0.98)  # Alfarra et al.'s code
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


def differentiable_soft_radius(
    sigma: Tensor, scores: Tensor, clamp: tuple[float, float] = CLAMP, norm: Norm = "l2"
) -> Tensor:
    """`soft_radius` (B,) of sigma (B,) and mean scores (B, K), with its gradient.

    With norm="l1" sigma (E_A - E_B), for uniform noise on [-sigma, sigma]^d.
    """
    first, second = scores.topk(2, dim=-1).values.unbind(dim=-1)
    if norm == "l1":
        return sigma * (first - second)
    first, second = first.clamp(*clamp), second.clamp(*clamp)
    gap: Tensor = torch.special.ndtri(first) - torch.special.ndtri(second)
    return sigma / 2 * gap


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
