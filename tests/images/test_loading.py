"""Sources become `ImageInput`: pixels, notes, names, labels."""

import io
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from rs_core.errors import ImageError, ParameterError
from rs_core.images import clean_name, image_files, image_from_array, load_image
from rs_core.images import listing as images
from rs_core.images.loading import MAX_NAME, SNAPPED
from rs_core.pixel_grid import snapped
from rs_core.results import ModelSpec

RNG = np.random.default_rng(2)
COLOUR = RNG.integers(0, 256, (32, 32, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (28, 28), dtype=np.uint8)


def spec(channels: int, size: int, width: int | None = None) -> ModelSpec:
    names = tuple(str(k) for k in range(10))
    return ModelSpec("net", "stub", (channels, size, width or size), names)


RGB32, GREY28 = spec(3, 32), spec(1, 28)
EMPTY = "warning: every pixel has the same colour: there is nothing to see"


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_every_kind_of_source_gives_the_same_image(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(png(COLOUR))
    sources = [path, str(path), png(COLOUR), Image.fromarray(COLOUR), COLOUR, COLOUR / 255]
    loaded = [load_image(source, RGB32, label=3, name="photo") for source in sources]
    for image in loaded:
        assert np.array_equal(image.pixels, COLOUR.transpose(2, 0, 1) / np.float32(255))
        assert image.pixels.dtype == np.float32
        assert image.pixels.flags["C_CONTIGUOUS"]
        assert (image.label, image.name, image.preprocessing) == (3, "photo", ())
        assert image.original_size == (32, 32)
    assert len({image.digest for image in loaded}) == 1


def test_the_digest_follows_shape_and_pixels() -> None:
    plain = load_image(GREY, GREY28)
    assert plain.digest == load_image(GREY[..., None], GREY28, label=1, name="other").digest
    assert len(bytes.fromhex(plain.digest)) == 16
    changed = GREY.copy()
    changed[5, 5] ^= 1
    assert plain.digest != load_image(changed, GREY28).digest
    flat = np.zeros((2, 8), np.uint8)
    assert load_image(flat, spec(1, 2, 8)).digest != load_image(flat.T, spec(1, 8, 2)).digest


def test_the_digest_is_the_same_in_every_version() -> None:
    ramp = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert load_image(ramp, spec(1, 8)).digest == "e47cb196c674075db48d9a0abc6e3e5c"


def test_a_wide_image_is_cropped_in_its_centre_and_resized() -> None:
    wide = np.zeros((48, 64, 3), np.uint8)
    wide[:, 8:56] = (40, 80, 120)
    image = load_image(wide, RGB32)
    assert np.array_equal(np.unique(image.pixels[0]), np.float32([40 / 255]))
    assert image.preprocessing == (
        "centre-cropped 64x48 -> 48x48",
        "resized 48x48 -> 32x32 (lanczos)",
        EMPTY,
    )
    assert image.original_size == (64, 48)


def test_the_crop_keeps_the_aspect_ratio_of_the_network() -> None:
    tall = RNG.integers(0, 256, (90, 30), dtype=np.uint8)
    image = load_image(tall, spec(1, 10, 20))
    assert image.preprocessing[0] == "centre-cropped 30x90 -> 30x15"
    assert image.pixels.shape == (1, 10, 20)


def test_resizing_keeps_the_mean_and_does_not_alias() -> None:
    stripes = np.zeros((320, 320), np.uint8)
    stripes[:, ::2] = 255
    image = load_image(stripes, spec(1, 32))
    assert abs(image.pixels - 0.5).max() < 0.02
    noise = RNG.integers(0, 256, (256, 256), dtype=np.uint8)
    assert load_image(noise, spec(1, 32)).pixels.mean() == pytest.approx(
        noise.mean() / 255, abs=0.01
    )


@pytest.mark.parametrize("shape", [(1, 1), (20_000, 1), (1, 20_000)])
def test_row6_extreme_shapes_are_accepted_with_a_warning(shape: tuple[int, int]) -> None:
    image = load_image(np.full(shape, 51, np.uint8), RGB32)
    assert (image.pixels == np.float32(51) / np.float32(255)).all()
    assert any(note.startswith("warning: enlarged 1x1 -> 32x32") for note in image.preprocessing)


def test_grey_is_repeated_for_a_colour_network() -> None:
    image = load_image(GREY, spec(3, 28))
    assert np.array_equal(image.pixels, np.stack([GREY] * 3) / np.float32(255))
    assert image.preprocessing == ("grey repeated to 3 channels",)


def test_colour_becomes_luma_for_a_grey_network() -> None:
    image = load_image(COLOUR, spec(1, 32))
    luma = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert abs(image.pixels[0] * 255 - luma).max() <= 0.51
    assert image.preprocessing == ("colour converted to grey (ITU-R 601 luma)",)


def test_a_network_of_other_channels_is_named() -> None:
    with pytest.raises(ImageError, match="takes 4 channels; images have 1 or 3"):
        load_image(COLOUR, spec(4, 32))


def test_float_arrays_of_the_right_size_are_moved_to_the_grid_and_noted() -> None:
    pixels = RNG.random((28, 28))
    image = load_image(pixels, GREY28)
    assert np.array_equal(image.pixels[0], snapped(pixels.astype(np.float32)))
    assert 0 < np.abs(image.pixels[0] - pixels).max() < 2e-6
    assert image.preprocessing == (SNAPPED,)
    again = load_image(image.pixels[0], GREY28)
    assert again.preprocessing == ()
    assert again.digest == image.digest


def test_float_arrays_are_rounded_to_8_bits_before_they_are_resized() -> None:
    pixels = RNG.random((56, 56))
    image = load_image(pixels, GREY28)
    assert image.preprocessing[0] == "float pixels rounded to 8 bits before fitting"
    assert np.array_equal(
        image.pixels, load_image(np.rint(pixels * 255).astype(np.uint8), GREY28).pixels
    )
    eight_bit = np.rint(pixels * 255) / 255
    assert load_image(eight_bit, GREY28).preprocessing == ("resized 56x56 -> 28x28 (lanczos)",)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.full((28, 28), np.nan), "NaN or infinite"),
        (np.full((28, 28), np.inf), "NaN or infinite"),
        (np.full((28, 28), 1.5), "limit is 0 to 1"),
        (np.full((28, 28), -0.1), "limit is 0 to 1"),
        (np.full((28, 28), 128.0), "or give uint8"),
        (np.zeros(28), r"shape \(28,\)"),
        (np.zeros((1, 28, 28, 1)), "channels last"),
        (np.zeros((3, 28, 28)), "channels last"),
        (np.zeros((28, 28, 4), np.uint8), "channels last"),
        (np.zeros((28, 28), object), "dtype object"),
        (np.zeros((28, 28), np.int64), "dtype int64"),
        (np.zeros((28, 28), bool), "dtype bool"),
        (np.zeros((28, 28), complex), "dtype complex128"),
        (np.zeros((0, 28)), "no pixels"),
        (np.zeros((28, 0, 3), np.uint8), "no pixels"),
        (np.lib.stride_tricks.as_strided(np.zeros(1), (20_000, 20_000), (0, 0)), "16 million"),
    ],
)
def test_arrays_that_are_no_image_are_refused(pixels: np.ndarray, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        load_image(pixels, GREY28)


@pytest.mark.parametrize("source", [None, 7, [[0.0]], object()])
def test_other_sources_are_refused(source: object) -> None:
    with pytest.raises(ImageError, match="is not an image source"):
        load_image(source, GREY28)


class Wrapped:
    """A network beside its spec, as a `Classifier` is."""

    spec = GREY28


@pytest.mark.parametrize("spec", [Wrapped(), "mnist-conv4", None])
def test_what_is_no_spec_is_refused(spec: object) -> None:
    for source in (GREY, png(GREY), Image.fromarray(GREY)):
        with pytest.raises(ParameterError, match=r"give the network's ModelSpec, e.g. classifier"):
            load_image(source, spec)


@pytest.mark.parametrize("pixels", ["digit.png", [[0]], None])
def test_what_is_no_array_is_refused(pixels: object) -> None:
    with pytest.raises(ImageError, match=r"array is a .*: give a numpy array"):
        image_from_array(pixels, GREY28)


def test_the_source_array_is_left_alone() -> None:
    pixels = RNG.random((28, 28)).astype(np.float32)
    before = pixels.copy()
    with pytest.raises(ValueError, match="read-only"):
        load_image(pixels, GREY28).pixels[:] = 0
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("label", [-1, 10, True, 1.0, "3"])
def test_a_label_outside_the_classes_is_refused(label: object) -> None:
    with pytest.raises(ParameterError, match="class"):
        load_image(GREY, GREY28, label=label)


def test_labels_of_numpy_become_plain_integers() -> None:
    label = load_image(GREY, GREY28, label=np.int64(9)).label
    assert type(label) is int
    assert label == 9


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\cat.png", "cat.png"),
        ("a" * 300, "a" * MAX_NAME),
        ("gpj\u202e.exe.png", "gpj .exe.png"),
        ("line\nbreak\u2028\x00.png", "line break .png"),
        ("<script>alert(1)<", "<script>alert(1)<"),
        ("..", "image"),
        ("", "image"),
        ("\u200b\u202e", "image"),
        ("photos/", "photos"),
    ],
)
def test_row15_names_are_shown_without_paths_and_controls(name: str, shown: str) -> None:
    assert clean_name(name) == shown
    assert load_image(GREY, GREY28, name=name).name == shown


def test_row15_error_messages_use_the_cleaned_name() -> None:
    with pytest.raises(ImageError) as refusal:
        load_image(b"no image", GREY28, name="../x/\u202ephoto\n.png")
    assert str(refusal.value).startswith("photo .png is not a supported image")


def test_row16_a_folder_lists_its_images_by_content(tmp_path: Path) -> None:
    for name in ("b.txt", "a.png", ".hidden.png"):
        (tmp_path / name).write_bytes(png(GREY))
    (tmp_path / "notes.png").write_text("no image")
    (tmp_path / "sub").mkdir()
    assert [file.name for file in image_files(tmp_path)] == ["a.png", "b.txt"]


def test_row16_a_folder_has_a_count_and_a_byte_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(501):
        (tmp_path / f"{number:03}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(ImageError, match="holds 501 images, the limit is 500: split"):
        image_files(tmp_path)
    (tmp_path / "500.png").unlink()
    assert len(image_files(tmp_path)) == 500
    monkeypatch.setattr(images, "MAX_FOLDER_BYTES", 100)
    with pytest.raises(ImageError, match="MB of images, the limit is"):
        image_files(tmp_path)


def test_row16_an_empty_or_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="holds no PNG"):
        image_files(tmp_path)
    with pytest.raises(ImageError, match="missing cannot be read"):
        image_files(tmp_path / "missing")


@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]))))
def test_8_bit_sources_stay_on_the_8_bit_grid(pixels: np.ndarray) -> None:
    for target in (spec(1, 8), spec(3, 9, 5)):
        image = image_from_array(pixels, target)
        assert image.pixels.shape == target.input_shape
        levels = np.rint(image.pixels * 255)
        assert np.array_equal(image.pixels, levels.astype(np.float32) / np.float32(255))
        assert image.pixels.min() >= 0
        assert image.pixels.max() <= 1
        again = image_from_array(image.pixels.transpose(1, 2, 0), target)
        assert again.digest == image.digest
        assert again.preprocessing == ((EMPTY,) if EMPTY in image.preprocessing else ())


@given(st.binary(max_size=120))
def test_random_bytes_raise_nothing_but_image_error(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"^image is not a supported image|^image .* damaged"):
        load_image(data, GREY28)


@given(st.text())
def test_any_name_becomes_short_and_printable(name: str) -> None:
    shown = clean_name(name)
    assert 1 <= len(shown) <= MAX_NAME
    assert "/" not in shown
    assert "\\" not in shown
    assert not any(unicodedata.category(c)[0] == "C" for c in shown)
    assert clean_name(shown) == shown


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(Image.new("RGBA", (32, 32), (255, 255, 255, 0)), id="white-on-transparent"),
        pytest.param(Image.new("RGBA", (32, 32), (9, 90, 200, 0)), id="hidden"),
        pytest.param(Image.new("RGB", (90, 40), (10, 20, 30)), id="one-colour"),
        pytest.param(np.full((32, 32, 3), 0.25, np.float32), id="array"),
        pytest.param(np.zeros((8, 8), np.uint8), id="black"),
    ],
)
def test_an_image_in_which_nothing_is_left_to_see_says_so(source: Image.Image | np.ndarray) -> None:
    assert load_image(source, RGB32).preprocessing[-1] == EMPTY
    dotted = np.zeros((32, 32, 3), np.uint8)
    dotted[5, 6, 1] = 1
    assert load_image(dotted, RGB32).preprocessing == ()
