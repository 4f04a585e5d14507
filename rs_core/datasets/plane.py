"""Labelled points of the plane: the Yin-Yang data set of Kriener et al. (2022).

A point is an image of two values, x and y, so its certified ball can be drawn as a true circle.
"""

from hashlib import blake2b
from typing import NamedTuple

import numpy as np

CLASSES = ("yang", "yin", "dot")
DISC, DOT = 0.5, 0.1  # radii of the disc and of the two dots
_PER_CLASS = {"train": 600, "test": 100}
_PLASTIC = 1.32471795724474602596


class PlanePoints(NamedTuple):
    """`images` uint8 (N, 1, 2, 1), (x, y) in levels of 1/255; `labels` int64 (N,)."""

    images: np.ndarray
    labels: np.ndarray


def plane_points(split: str) -> PlanePoints:
    """The points of a split, equally many of each class; the splits share no point.

    They follow Roberts' sequence (2018), which covers the square evenly and needs no generator
    of random numbers, so they are the same everywhere.
    """
    steps = np.arange(1, 14_000)
    spread = np.column_stack([(0.5 + steps / _PLASTIC) % 1.0, (0.5 + steps / _PLASTIC**2) % 1.0])
    levels = np.rint(spread * 255).astype(np.uint8)
    _, first = np.unique(levels, axis=0, return_index=True)
    levels = levels[np.sort(first)]
    levels = levels[np.hypot(*(levels / 255 - DISC).T) <= DISC]
    labels = true_classes(levels / 255)
    start = 0 if split == "train" else _PER_CLASS["train"]
    rows = [
        np.flatnonzero(labels == k)[start : start + _PER_CLASS[split]] for k in range(len(CLASSES))
    ]
    # Mixed by a hash, so that any evenly spread part holds points of every class.
    mixed = sorted(np.concatenate(rows), key=lambda row: blake2b(b"plane %d" % row).digest())
    chosen = np.array(mixed)
    return PlanePoints(levels[chosen][:, None, :, None], labels[chosen])


def true_classes(points: np.ndarray) -> np.ndarray:
    """int64 (...,): the class of points (..., 2) in [0,1]; outside the disc too, as if it went on.

    Reference: Kriener, Goeltz, Petrovici (2022), "The Yin-Yang dataset", section 2.
    """
    x, y = points[..., 0], points[..., 1]
    right, left = np.hypot(x - 1.5 * DISC, y - DISC), np.hypot(x - 0.5 * DISC, y - DISC)
    yin = ((left > DOT) & (left <= DISC / 2)) | ((y > DISC) & (right > DISC / 2))
    return np.where((right < DOT) | (left < DOT), 2, yin.astype(np.int64))
