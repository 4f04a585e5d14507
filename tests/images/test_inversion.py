import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from rs_core.images import load_image, wants_inversion
from rs_core.results import ModelSpec

DIGITS = ModelSpec("net", "stub", (1, 28, 28), tuple(str(k) for k in range(10)))
CLOTHES = replace(DIGITS, class_names=tuple(f"thing {k}" for k in range(10)))
COLOUR = replace(DIGITS, input_shape=(3, 28, 28))


def paper(shape: tuple[int, ...] = (56, 56)) -> np.ndarray:
    pixels = np.full(shape, 230, np.uint8)
    pixels[10:46, 25:31] = 20
    return pixels


def png(pixels: np.ndarray) -> bytes:
    stored = io.BytesIO()
    Image.fromarray(pixels).save(stored, "PNG")
    return stored.getvalue()


def test_a_dark_digit_that_is_left_alone_is_noted() -> None:
    assert "dark on bright: not inverted" in load_image(png(paper()), DIGITS).preprocessing
    assert load_image(png(255 - paper()), DIGITS).preprocessing == (
        "resized 56x56 -> 28x28 (lanczos)",
    )
    assert load_image(png(paper()), CLOTHES).preprocessing == ("resized 56x56 -> 28x28 (lanczos)",)
    assert load_image(paper(), DIGITS).preprocessing == ("resized 56x56 -> 28x28 (lanczos)",)


@pytest.mark.parametrize("shape", [(56, 56), (56, 56, 1), (56, 56, 3)])
def test_inverting_makes_bright_ink_on_black(shape: tuple[int, ...]) -> None:
    for source in (paper(shape), paper(shape) / np.float32(255)):
        image = load_image(source, DIGITS, invert=None)
        assert image.pixels[0, 0, 0] == 0
        assert image.pixels.max() > 0.9
        assert "inverted" in image.preprocessing[0]
        assert image.original_size == (56, 56)


def test_who_wants_inversion() -> None:
    dark = paper()
    assert wants_inversion(dark, DIGITS, None)
    assert not wants_inversion(dark, DIGITS, False)
    assert not wants_inversion(255 - dark, DIGITS, None)
    assert wants_inversion(255 - dark, DIGITS, True)
    assert not wants_inversion(dark, CLOTHES, None)
    assert wants_inversion(dark, CLOTHES, True)
    assert not wants_inversion(dark, COLOUR, True)
