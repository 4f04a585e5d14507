"""The difference of two images as a picture."""

import numpy as np


def magnified(moved: np.ndarray, image: np.ndarray, times: float = 10.0) -> np.ndarray:
    """The change from `image` to `moved`, `times` as strong, around mid grey.

    Args:
        moved, image: (C, H, W) in [0,1].
        times: how much stronger than it is.

    Returns:
        float32 (C, H, W), cut off at 0 and 1.
    """
    grey = 0.5 + times * (moved.astype(np.float64) - image.astype(np.float64))
    return np.asarray(grey.clip(0, 1), dtype=np.float32)
