"""A learnable toy data set and a network small enough to train in a test."""

import numpy as np
import pytest

from rs_core.datasets import Dataset
from rs_core.results import ModelSpec


@pytest.fixture(scope="session")
def toy() -> Dataset:
    """240 grey 8x8 images of two classes, bright above or bright below, with some clutter."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 240)
    images = rng.integers(0, 60, (240, 8, 8, 1), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 4] += 150
    return Dataset(
        name="toy",
        split="train",
        images=images,
        labels=labels,
        class_names=("top", "bottom"),
        indices=np.arange(240),
        source="made in a test",
        targets=3 * np.eye(2, dtype=np.float32)[labels],  # of recipes that learn from radii
    )


@pytest.fixture
def tiny() -> ModelSpec:
    return ModelSpec(
        name="tiny",
        architecture="conv4",
        input_shape=(1, 8, 8),
        class_names=("top", "bottom"),
        options={"widths": [4, 4, 4, 8]},
    )
