"""One grid for pixels and noise, on which their sums are exact."""

import numpy as np

STEPS = 261_120  # per unit of [0,1]: 1024 in an 8-bit level, so that every k/255 lies on the grid


def in_steps(pixels: np.ndarray) -> np.ndarray:
    """The nearest whole numbers of steps, float64; ties go to the even one."""
    return np.asarray(np.rint(np.asarray(pixels, dtype=np.float64) * STEPS))


def snapped(pixels: np.ndarray) -> np.ndarray:
    """q(x): the nearest points of the grid, float32; at most 1.92e-6 away, and k/255 stays."""
    return np.asarray(in_steps(pixels).astype(np.float32) / np.float32(STEPS))
