import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from rs_core.assets import sample_path
from rs_core.images import centred_digit, is_dark_on_bright, reads_digits
from rs_core.results import ModelSpec

NUMERALS = tuple("0123456789")
SAMPLES = ("digit-3", "digit-7", "digit-8", "digit-9")


def digit(name: str) -> np.ndarray:
    return np.asarray(Image.open(sample_path(name)))


def photographed(name: str, *, colour: bool = True, seed: int = 0) -> np.ndarray:
    """The sample as dark ink on unevenly lit, noisy paper, off centre: (480, 360[, 3]) uint8."""
    big = Image.fromarray(digit(name)).resize((196, 196), Image.Resampling.BICUBIC)
    ink = np.zeros((480, 360))
    ink[200:396, 30:226] = np.asarray(big) / 255
    rows, columns = np.mgrid[:480, :360]
    paper = 180 + 50 * columns / 360 - 40 * rows / 480
    noise = np.random.default_rng(seed).normal(0, 4, ink.shape)
    grey = np.clip(paper * (1 - 0.75 * ink) + noise, 0, 255).astype(np.uint8)
    return np.stack([grey] * 3, axis=-1) if colour else grey


def centre_of_mass(pixels: np.ndarray) -> np.ndarray:
    mass = pixels.astype(float)
    at = np.indices(mass.shape)
    return np.array([(axis * mass).sum() / mass.sum() for axis in at])


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("colour", [True, False])
def test_a_photographed_digit_becomes_the_digit_again(name: str, colour: bool) -> None:
    photo, original = photographed(name, colour=colour), digit(name)
    assert is_dark_on_bright(photo)
    assert not is_dark_on_bright(original)
    found, notes = centred_digit(photo, 28, 28)
    assert "inverted" in notes[0]
    assert "20x20" in notes[1]
    shifted = [np.roll(original, (a, b), (0, 1)) for a in (-1, 0, 1) for b in (-1, 0, 1)]
    alike = max(np.corrcoef(s.ravel(), found.ravel())[0, 1] for s in shifted)
    assert alike > 0.96
    np.testing.assert_allclose(centre_of_mass(found), 14, atol=0.6)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_ink_fills_mnists_box_and_the_paper_is_black(name: str) -> None:
    found, _ = centred_digit(photographed(name), 28, 28)
    rows, columns = np.nonzero(found)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)
    assert found.max() == 255
    assert found[0].max() == found[:, 0].max() == found[-1].max() == 0


def test_other_sizes_keep_the_proportions() -> None:
    found, notes = centred_digit(photographed("digit-7"), 56, 56)
    assert found.shape == (56, 56)
    assert "40x40" in notes[1]
    np.testing.assert_allclose(centre_of_mass(found), 28, atol=0.6)


@pytest.mark.parametrize("shape", [(300, 200), (1, 1), (1, 900), (28, 28, 3)])
def test_blank_paper_is_inverted_and_says_that_there_is_no_ink(shape: tuple[int, ...]) -> None:
    found, notes = centred_digit(np.full(shape, 200, np.uint8), 28, 28)
    assert found.shape == (28, 28)
    assert (found == 55).all()
    assert notes == ("dark on bright: inverted; no ink was found to centre",)


@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))
    | hnp.arrays(np.float32, (9, 17), elements=st.floats(0, 1, width=32))
)
def test_any_picture_becomes_an_8_bit_one_of_the_networks_size(pixels: np.ndarray) -> None:
    found, notes = centred_digit(pixels, 28, 28)
    assert (found.dtype, found.shape) == (np.uint8, (28, 28))
    assert notes
    assert is_dark_on_bright(pixels) in (True, False)


def test_which_networks_read_digits() -> None:
    assert reads_digits(ModelSpec("m", "conv4", (1, 28, 28), NUMERALS))
    assert not reads_digits(ModelSpec("m", "conv4", (3, 28, 28), NUMERALS))
    assert not reads_digits(ModelSpec("m", "conv4", (1, 28, 28), NUMERALS[:9]))
