"""Every mode becomes plain pixels, and the note says how."""

import io

import numpy as np
import pytest
from PIL import Image

from rs_core.errors import ImageError
from rs_core.images.decoding import decode_bytes, decode_picture
from rs_core.images.pixels import MAX_PIXELS, check_floats, check_size, plain_pixels

RNG = np.random.default_rng(1)
GREY = RNG.integers(0, 256, (10, 14), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (10, 14, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 65_536, (10, 14), dtype=np.uint16)
ON_WHITE = "transparent pixels composited on white"


def reread(image: Image.Image, kind: str = "PNG", **options: object) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return Image.open(buffer)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_row8_sixteen_bit_grey_is_scaled_not_clipped(kind: str) -> None:
    decoded = decode_picture(reread(Image.fromarray(DEEP), kind), "scan")
    assert np.array_equal(decoded.pixels, np.rint(DEEP / 257))
    assert decoded.pixels.mean() == pytest.approx(DEEP.mean() / 257, abs=0.1)
    assert decoded.notes == ("16-bit grey scaled to 8 bits by 1/257",)


def test_row8_big_endian_and_32_bit_containers_are_scaled_alike() -> None:
    expected = np.rint(DEEP / 257)
    wide = Image.fromarray(DEEP.astype(np.int32))
    swapped = Image.frombytes("I;16B", (14, 10), DEEP.astype(">u2").tobytes())
    assert wide.mode == "I"
    for image in (wide, swapped):
        assert np.array_equal(decode_picture(image, "scan").pixels, expected)


def test_row8_a_sixteen_bit_tiff_with_white_as_zero_is_not_inverted() -> None:
    buffer = io.BytesIO()
    Image.fromarray(DEEP).save(buffer, "TIFF", tiffinfo={262: 0})
    assert np.array_equal(
        decode_bytes(buffer.getvalue(), "x").pixels, np.rint((65_535 - DEEP) / 257)
    )


def test_row8_transparent_sixteen_bit_grey_becomes_white() -> None:
    key = int(DEEP[3, 4])
    decoded = decode_picture(reread(Image.fromarray(DEEP), transparency=key), "scan")
    assert (decoded.pixels[key == DEEP] == 255).all()
    assert np.array_equal(decoded.pixels[key != DEEP], np.rint(DEEP[key != DEEP] / 257))
    assert decoded.notes[-1] == ON_WHITE


@pytest.mark.parametrize("value", [-1, 65_536, 2**31 - 1])
def test_row8_integers_beyond_sixteen_bits_are_refused(value: int) -> None:
    image = Image.fromarray(np.full((4, 4), value, dtype=np.int32))
    with pytest.raises(ImageError, match="the limit is 0 to 65535"):
        decode_picture(image, "scan")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_row9_a_float_tiff_with_nan_or_infinity_is_refused(bad: float) -> None:
    pixels = np.full((5, 5), 0.5, dtype=np.float32)
    pixels[2, 3] = bad
    with pytest.raises(ImageError, match="NaN or infinite"):
        decode_picture(reread(Image.fromarray(pixels), "TIFF"), "map.tiff")


@pytest.mark.parametrize("bad", [-0.01, 1.01, 255.0])
def test_row9_a_float_tiff_outside_the_unit_range_is_refused(bad: float) -> None:
    pixels = np.full((5, 5), 0.5, dtype=np.float32)
    pixels[0, 0] = bad
    with pytest.raises(ImageError, match="the limit is 0 to 1: rescale"):
        decode_picture(reread(Image.fromarray(pixels), "TIFF"), "map.tiff")


def test_row9_a_float_tiff_in_the_unit_range_is_used_as_it_is() -> None:
    pixels = RNG.random((5, 7), dtype=np.float32)
    decoded = decode_picture(reread(Image.fromarray(pixels), "TIFF"), "map.tiff")
    assert decoded.pixels.dtype == np.float32
    assert np.array_equal(decoded.pixels, pixels)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("alpha", [0, 128, 254])
def test_row10_alpha_is_composited_on_white(mode: str, alpha: int) -> None:
    image = Image.fromarray(COLOUR).convert(mode)
    image.putalpha(alpha)
    decoded = decode_picture(reread(image), "logo.png")
    own = np.asarray(image)[..., :-1].squeeze()
    expected = own * (alpha / 255) + 255 * (1 - alpha / 255)
    assert np.abs(decoded.pixels - expected).max() <= 0.51
    assert decoded.notes == (ON_WHITE,)


def test_row10_colour_hidden_under_full_transparency_does_not_surface() -> None:
    hidden = Image.new("RGBA", (6, 6), (255, 0, 0, 0))
    assert (decode_picture(reread(hidden), "logo.png").pixels == 255).all()


def test_row10_an_opaque_alpha_channel_changes_nothing() -> None:
    image = Image.fromarray(COLOUR).convert("RGBA")
    decoded = decode_picture(reread(image), "logo.png")
    assert np.array_equal(decoded.pixels, COLOUR)
    assert decoded.notes == ("opaque alpha channel dropped",)


def test_row10_premultiplied_modes_are_undone_first() -> None:
    straight = Image.new("RGBA", (4, 4), (200, 100, 40, 128))
    expected = decode_picture(straight, "x").pixels.astype(int)
    assert np.abs(decode_picture(straight.convert("RGBa"), "x").pixels - expected).max() <= 1
    grey = Image.new("LA", (4, 4), (200, 128))
    expected = decode_picture(grey, "x").pixels.astype(int)
    assert np.abs(decode_picture(grey.convert("La"), "x").pixels - expected).max() <= 1


def test_row10_a_transparent_palette_entry_becomes_white() -> None:
    image = Image.fromarray(GREY % 4).convert("P")
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    expected = np.array([[0, 0, 0], [255, 255, 255], [0, 255, 0], [0, 0, 255]])[GREY % 4]
    for transparency in (1, b"\xff\x00\xff\xff"):
        decoded = decode_picture(reread(image, transparency=transparency), "icon.png")
        assert np.array_equal(decoded.pixels, expected)
        assert decoded.notes == (ON_WHITE,)


def test_row10_a_colour_key_becomes_white() -> None:
    for image, pixels in ((Image.fromarray(GREY), GREY), (Image.fromarray(COLOUR), COLOUR)):
        key = pixels[2, 2].tolist()
        marked = reread(image, transparency=tuple(key) if isinstance(key, list) else key)
        decoded = decode_picture(marked, "key.png")
        hit = (pixels == pixels[2, 2]).reshape(10, 14, -1).all(2)
        assert (decoded.pixels[hit] == 255).all()
        assert np.array_equal(decoded.pixels[~hit], pixels[~hit])


def test_row11_one_bit_pixels_become_black_and_white() -> None:
    decoded = decode_picture(reread(Image.fromarray(GREY > 127)), "fax.png")
    assert np.array_equal(decoded.pixels, np.where(GREY > 127, 255, 0))
    assert decoded.notes == ("1-bit pixels widened to 8 bits",)


def test_row11_a_palette_is_looked_up() -> None:
    image = Image.fromarray(GREY).convert("P")
    palette = RNG.integers(0, 256, (256, 3), dtype=np.uint8)
    image.putpalette(palette.tobytes())
    decoded = decode_picture(reread(image), "icon.png")
    assert np.array_equal(decoded.pixels, palette[GREY])
    assert decoded.notes == ("palette converted to RGB",)


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("YCbCr", "TIFF")])
def test_row11_print_and_video_colours_become_rgb(mode: str, kind: str) -> None:
    flat = Image.new("RGB", (16, 16), (200, 90, 30))
    decoded = decode_picture(reread(flat.convert(mode), kind), "print")
    assert np.abs(decoded.pixels.astype(int) - (200, 90, 30)).max() <= 4
    assert decoded.notes == (f"{mode} converted to RGB without a colour profile",)


def test_row11_lab_becomes_srgb() -> None:
    middle = Image.new("LAB", (4, 4), (128, 128, 128))
    decoded = decode_picture(reread(middle, "TIFF"), "lab.tiff")
    assert decoded.notes == ("LAB colour converted to sRGB",)
    assert np.abs(decoded.pixels.astype(int) - 119).max() <= 3


def test_plain_modes_pass_unchanged() -> None:
    for pixels in (GREY, COLOUR):
        decoded = decode_picture(Image.fromarray(pixels), "x")
        assert np.array_equal(decoded.pixels, pixels)
        assert decoded.notes == ()


def test_an_unknown_mode_is_refused() -> None:
    image = Image.new("L", (4, 4))
    image._mode = "XYZ"
    with pytest.raises(ImageError, match="x has pixels of mode XYZ: save the image as 8-bit"):
        plain_pixels(image, {}, "x")


def test_the_size_limits_are_inclusive() -> None:
    check_size(1, 1, "x")
    check_size(4000, MAX_PIXELS // 4000, "x")
    with pytest.raises(ImageError, match="limit is 16 million"):
        check_size(1, MAX_PIXELS + 1, "x")
    with pytest.raises(ImageError, match="no pixels"):
        check_size(0, 5, "x")


def test_the_unit_range_is_inclusive() -> None:
    check_floats(np.array([0.0, 1.0]), "x")
    with pytest.raises(ImageError, match=r"float pixels from 0 to 1\.1"):
        check_floats(np.array([0.0, 1.1]), "x")
    with pytest.raises(ImageError, match=r"float pixels from 0\.5 to 1\.000000001, the limit"):
        check_floats(np.array([0.5, 1 + 1e-9]), "x")
    with pytest.raises(ImageError, match="float pixels from -1e-12 to 1, the limit"):
        check_floats(np.array([-1e-12, 1.0]), "x")
