"""What a certificate is about cannot be changed, and is what its digest says."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rs_core.errors import ImageError
from rs_core.images import ImageInput, image_from_array
from tests.conftest import spec_of

SPEC = spec_of((1, 8, 8), 2)


def ramp(power: float = 1.0) -> ImageInput:
    return image_from_array(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8) ** power, SPEC)


def pickled(image: ImageInput) -> ImageInput:
    found: ImageInput = pickle.loads(pickle.dumps(image))
    return found


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, replace, pickled])
def test_copies_are_as_read_only_as_the_image(again: Callable[[ImageInput], ImageInput]) -> None:
    image = ramp()
    same = again(image)
    assert np.array_equal(same.pixels, image.pixels)
    assert same.digest == image.digest
    for pixels in (image.pixels, same.pixels):
        with pytest.raises(ValueError, match="read-only"):
            pixels[:] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            pixels.flags.writeable = True


def test_the_digest_is_that_of_the_pixels_whatever_is_given() -> None:
    squared = replace(ramp(), pixels=ramp().pixels ** 2, digest=ramp().digest)
    assert squared.digest == image_from_array(ramp().pixels[0] ** 2, SPEC).digest
    assert squared.digest != ramp().digest


def test_an_array_given_to_an_image_can_change_without_it() -> None:
    pixels = np.full((1, 8, 8), 0.5, np.float32)
    image = replace(ramp(), pixels=pixels)
    pixels[:] = 0
    assert np.array_equal(image.pixels, np.full((1, 8, 8), 0.5, np.float32))


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((1, 8, 8), 1.5), "from 1.5 to 1.5, the limit is 0 to 1"),
        (np.full((1, 8, 8), -0.5), "from -0.5 to -0.5, the limit is 0 to 1"),
        (np.full((1, 8, 8), np.nan), "NaN or infinite"),
        (np.zeros((8, 8)), "no float array"),
        (np.zeros((1, 8, 8), np.uint8), "no float array"),
        (np.zeros((1, 0, 8)), "no pixels"),
        ([[[0.5]]], "no float array"),
    ],
)
def test_what_are_no_pixels_is_refused(pixels: np.ndarray, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        replace(ramp(), pixels=pixels)
