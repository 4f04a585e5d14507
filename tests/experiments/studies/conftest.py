"""A linear network whose accuracy under attack is known, and images at known distances."""

import numpy as np
import pytest
import torch

from rs_core.classifiers import Classifier
from rs_core.images import ImageInput, image_from_array
from tests.conftest import Linear, spec_of

SHAPE = (1, 6, 6)
MARGINS = (0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9, -0.2, -0.5)  # below 0: misclassified
World = tuple[Classifier, list[ImageInput]]


@pytest.fixture(scope="session")
def world() -> World:
    """Ten images of class 1 at the distances of `MARGINS`, far from the pixel box."""
    weight = torch.full(SHAPE, 1.0).div(6)  # of length 1
    spec = spec_of(SHAPE, 2)
    images = []
    for number, margin in enumerate(MARGINS):
        pixels = np.full((6, 6, 1), 0.5 + margin / 6, np.float32)
        pixels[0, 0, 0] += 1e-3 * number
        images.append(image_from_array(pixels, spec, label=1, name=f"at {margin}"))
    return Classifier(Linear(weight, -3.0), spec), images
