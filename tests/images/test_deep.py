"""Several channels of 16 bits each: scaled by 1/257 to the nearest level, never cut to a byte."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from rs_core.errors import ImageError
from rs_core.images.decoding import decode_bytes, decode_picture
from rs_core.images.deep import CUT_NOTE, DEEP_NOTE
from tests.images.files import chunk

RNG = np.random.default_rng(3)
DEEP = RNG.integers(0, 65_536, (300, 7, 4), dtype=np.uint16)
DEEP[0, :, 0] = 255  # cut to its upper byte it would be 0
ON_WHITE = "transparent pixels composited on white"
SCALED = np.rint(DEEP / 257)


def png(values: np.ndarray, kind: int, *extra: bytes, interlaced: bool = False) -> bytes:
    """A 16-bit PNG of values (H,W,C); kind 2 is RGB, 4 grey and alpha, 6 RGBA."""
    height, width = values.shape[:2]
    steps = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
             (1, 0, 2, 1)) if interlaced else ((0, 0, 1, 1),)  # fmt: skip
    raw = b"".join(
        b"\0" + row.astype(">u2").tobytes()
        for top, left, down, across in steps
        for row in values[top::down, left::across]
        if row.size
    )
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, interlaced))
    body = chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(extra) + body


def tiff(
    values: np.ndarray, order: str, *, photometric: int = 2, extra: int | None = None,
    packed: bool = False, planes: bool = False,
) -> bytes:  # fmt: skip
    """A 16-bit TIFF of values (H,W,C) in one strip, or in one for each channel."""
    height, width, channels = values.shape
    laid = np.moveaxis(values, 2, 0) if planes else values[None]
    strips = [part.astype(f"{order}u2").tobytes() for part in laid]
    strips = [zlib.compress(strip) if packed else strip for strip in strips]
    tags: dict[int, tuple[str, list[int]]] = {
        256: ("H", [width]), 257: ("H", [height]), 258: ("H", [16] * channels),
        259: ("H", [8 if packed else 1]), 262: ("H", [photometric]), 273: ("I", []),
        277: ("H", [channels]), 278: ("H", [height]), 279: ("I", [len(strip) for strip in strips]),
        284: ("H", [2 if planes else 1]),
    }  # fmt: skip
    if extra is not None:
        tags[338] = ("H", [extra])
    at = 1024
    for strip in strips:
        tags[273][1].append(at)
        at += len(strip)
    entries, pool = b"", b""
    for tag, (kind, numbers) in sorted(tags.items()):
        raw = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        if len(raw) > 4:
            raw, pool = struct.pack(f"{order}I", 512 + len(pool)), pool + raw
        number = 3 if kind == "H" else 4
        entries += struct.pack(f"{order}HHI", tag, number, len(numbers)) + raw.ljust(4, b"\0")
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(tags))
    return (start + entries).ljust(512, b"\0") + pool.ljust(512, b"\0") + b"".join(strips)


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_48_bit_png_is_scaled(interlaced: bool) -> None:
    decoded = decode_bytes(png(DEEP[..., :3], 2, interlaced=interlaced), "x")
    assert np.array_equal(decoded.pixels, SCALED[..., :3])
    assert decoded.pixels[0, 0, 0] == 1  # 255 / 257
    assert decoded.notes == (DEEP_NOTE,)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packed", [False, True])
def test_a_48_bit_tiff_is_scaled(order: str, packed: bool) -> None:
    decoded = decode_bytes(tiff(DEEP[..., :3], order, packed=packed), "x")
    assert np.array_equal(decoded.pixels, SCALED[..., :3])
    assert decoded.notes == (DEEP_NOTE,)


def on_white(values: np.ndarray) -> np.ndarray:
    alpha = values[..., -1:] / 65_535
    return values[..., :-1] / 257 * alpha + 255 * (1 - alpha)


@pytest.mark.parametrize("data", [png(DEEP, 6), tiff(DEEP, "<", extra=2), tiff(DEEP, ">", extra=2)])
def test_64_bits_with_alpha_are_scaled_and_composited(data: bytes) -> None:
    decoded = decode_bytes(data, "x")
    assert np.abs(decoded.pixels - on_white(DEEP)).max() < 1.5  # alpha has 8 bits as well
    assert decoded.notes == (DEEP_NOTE, ON_WHITE)


def test_an_opaque_64_bit_png_is_scaled_to_the_nearest_level() -> None:
    opaque = DEEP.copy()
    opaque[..., 3] = 65_535
    decoded = decode_bytes(png(opaque, 6), "x")
    assert np.array_equal(decoded.pixels, SCALED[..., :3])
    assert decoded.notes == (DEEP_NOTE, "opaque alpha channel dropped")


def test_alpha_that_colours_were_multiplied_with_is_taken_out() -> None:
    alpha = DEEP[..., 3:].astype(np.uint64)
    dimmed = (DEEP[..., :3] * alpha // 65_535).astype(np.uint16)
    decoded = decode_bytes(tiff(np.dstack([dimmed, DEEP[..., 3:]]), "<", extra=1), "x")
    assert np.abs(decoded.pixels - on_white(DEEP)).max() < 1.5


def test_32_bits_of_grey_and_alpha_stay_grey() -> None:
    decoded = decode_bytes(png(DEEP[..., 2:], 4), "x")
    assert decoded.pixels.shape == (300, 7)
    assert np.abs(decoded.pixels - on_white(DEEP[..., 2:])[..., 0]).max() < 1.5
    assert decoded.notes == (DEEP_NOTE, ON_WHITE)


def test_a_16_bit_colour_key_is_compared_in_all_its_bits() -> None:
    values = np.full((4, 5, 3), 0x1234, np.uint16)
    values[2, 3] = 0x1235
    keyed = decode_bytes(png(values, 2, chunk(b"tRNS", struct.pack(">3H", *[0x1234] * 3))), "x")
    assert (keyed.pixels[2, 3] == round(0x1235 / 257)).all()
    assert (np.delete(keyed.pixels.reshape(20, 3), 13, 0) == 255).all()


def test_a_64_bit_cmyk_tiff_is_scaled() -> None:
    decoded = decode_bytes(tiff(DEEP, "<", photometric=5), "x")
    shallow = Image.frombytes("CMYK", (7, 300), SCALED.astype(np.uint8).tobytes())
    assert np.array_equal(decoded.pixels, np.asarray(shallow.convert("RGB")))
    assert decoded.notes[0] == DEEP_NOTE


@pytest.mark.parametrize("packed", [False, True])
def test_16_bit_planes_that_lie_apart_are_refused_not_shown_as_noise(packed: bool) -> None:
    with pytest.raises(ImageError, match="in separate planes"):
        decode_bytes(tiff(DEEP[..., :3], "<", packed=packed, planes=True), "x")


def test_a_deep_picture_keeps_its_orientation_and_profile() -> None:
    exif = Image.Exif()
    exif[274] = 6
    icc = b"icc\0\0" + zlib.compress(lab_profile())
    data = png(DEEP[..., :3], 2, chunk(b"eXIf", exif.tobytes()[6:]), chunk(b"iCCP", icc))
    decoded = decode_bytes(data, "x")
    assert np.array_equal(decoded.pixels, np.rot90(SCALED[..., :3], -1))
    assert decoded.notes[:2] == (DEEP_NOTE, "EXIF orientation 6 applied: 300x7")
    assert decoded.notes[2].startswith("colour profile (")


def test_a_picture_that_pillow_opened_says_that_it_was_cut() -> None:
    with Image.open(io.BytesIO(png(DEEP[..., :3], 2))) as opened:
        decoded = decode_picture(opened, "x")
    assert np.array_equal(decoded.pixels, DEEP[..., :3] >> 8)
    assert decoded.notes == (CUT_NOTE,)


def lab_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_a_colour_profile_is_named_and_srgb_is_not(kind: str) -> None:
    photo = Image.fromarray(SCALED[:8, :7, :3].astype(np.uint8))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = []
    for profile in (lab_profile(), srgb, b"no profile at all"):
        buffer = io.BytesIO()
        photo.save(buffer, kind, icc_profile=profile)
        found.append(decode_bytes(buffer.getvalue(), "x").notes)
    (named,), plain, (unreadable,) = found
    assert named.endswith(" ignored: colours taken as sRGB")
    assert named.startswith("colour profile (Lab")
    assert plain == ()
    assert unreadable == "colour profile (unreadable) ignored: colours taken as sRGB"
