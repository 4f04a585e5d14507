"""What a file may be, and what is refused before it decodes."""

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from rs_core.errors import ImageError
from rs_core.images import decoding
from rs_core.images.decoding import decode_bytes, decode_picture, looks_like_image, read_file
from tests.images.files import chunk, saved

PHOTO = np.random.default_rng(0).integers(0, 256, (24, 36, 3), dtype=np.uint8)
PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def png(width: int, height: int, *extra: bytes, rows: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return PNG_HEAD + head + b"".join(extra) + body


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("digit.png", PNG_HEAD)
    return buffer.getvalue()


def sentence(data: bytes) -> str:
    """What a reader of the error sees; empty where the bytes decode."""
    try:
        decode_bytes(data, "x")
    except ImageError as error:
        return str(error)
    return ""


PHOTO_IMAGE = Image.fromarray(PHOTO)
EPS = saved(PHOTO_IMAGE, "EPS")
FILES: dict[str, bytes] = {
    "png": saved(PHOTO_IMAGE, "PNG"),
    "jpeg": saved(PHOTO_IMAGE, "JPEG"),
    "progressive": saved(PHOTO_IMAGE, "JPEG", progressive=True),
    "gif": saved(PHOTO_IMAGE.convert("P"), "GIF"),
    "webp": saved(PHOTO_IMAGE, "WEBP", lossless=True),
    "bmp": saved(PHOTO_IMAGE, "BMP"),
    "tiff": saved(PHOTO_IMAGE, "TIFF"),
    "tiff-deflate": saved(PHOTO_IMAGE, "TIFF", compression="tiff_adobe_deflate"),
}
LOSSLESS = ("png", "webp", "bmp", "tiff", "tiff-deflate")


@pytest.mark.parametrize("kind", LOSSLESS)
def test_lossless_files_keep_every_pixel(kind: str) -> None:
    decoded = decode_bytes(FILES[kind], kind)
    assert np.array_equal(decoded.pixels, PHOTO)
    assert decoded.notes == ()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="row1-empty"),
        pytest.param(b"just some words", id="row1-text"),
        pytest.param(b"<!doctype html><title>404</title>", id="row1-html"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="row1-svg"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3", id="row1-pdf"),
        pytest.param(zipped(), id="row1-zip"),
        pytest.param(EPS, id="row2-eps"),
        pytest.param(b"8BPS\0\1" + bytes(20), id="row2-psd"),
        pytest.param(b"SIMPLE  =                    T" + bytes(2850), id="row2-fits"),
        pytest.param(b"\xd7\xcd\xc6\x9a" + bytes(40), id="row2-wmf"),
        pytest.param(b"P5 2 2 255\n\0\1\2\3", id="row2-pgm"),
    ],
)
def test_other_content_is_not_a_supported_image(data: bytes) -> None:
    with pytest.raises(ImageError, match=r"^upload\.png is not a supported image: give a PNG"):
        decode_bytes(data, "upload.png")


@pytest.mark.parametrize("kind", FILES)
def test_row3_every_cut_of_a_file_is_refused(kind: str) -> None:
    data = FILES[kind]
    for length in range(0, len(data) - 1, max(1, len(data) // 40)):
        with pytest.raises(ImageError):
            decode_bytes(data[:length], kind)


def test_row3_a_flipped_bit_in_png_pixels_is_refused() -> None:
    data = bytearray(FILES["png"])
    data[data.index(b"IDAT") + 40] ^= 1
    with pytest.raises(ImageError, match="a checksum is wrong"):
        decode_bytes(bytes(data), "photo.png")


def test_row3_pillow_is_not_told_to_accept_cut_files() -> None:
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.parametrize(
    ("data", "size"),
    [
        pytest.param(png(20_000, 20_000), "16 million", id="row4-20000"),
        pytest.param(png(65_535, 65_535), "16 million", id="row4-65535"),
        pytest.param(png(2**31 - 1, 1), "16 million", id="row4-wide"),
        pytest.param(png(13_300, 13_300), "13300x13300 = 176.9 million", id="row5-13300"),
        pytest.param(png(4_001, 4_000), "4001x4000 = 16.0 million", id="row5-just-over"),
    ],
)
def test_too_many_pixels_are_refused_before_decoding(data: bytes, size: str) -> None:
    with pytest.raises(ImageError, match=size) as refusal:
        decode_bytes(data, "huge.png")
    assert "the limit" in str(refusal.value)
    assert "shrink the image first" in str(refusal.value)


def test_row4_other_headers_are_refused_too() -> None:
    gif = bytearray(FILES["gif"])
    gif[6:10] = b"\xff\xff\xff\xff"
    bmp = bytearray(FILES["bmp"])
    bmp[18:26] = struct.pack("<ii", 60_000, 60_000)
    for data in (gif, bmp):
        with pytest.raises(ImageError, match="million pixels"):
            decode_bytes(bytes(data), "header")


def test_row5_a_file_over_the_byte_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_BYTES", 1 << 20)
    with pytest.raises(ImageError, match="larger than the limit of 1 MB"):
        decode_bytes(FILES["png"] + bytes(1 << 20), "big.png")


@pytest.mark.parametrize("height", [1, 20_000])
def test_row6_thin_images_are_decoded(height: int) -> None:
    decoded = decode_bytes(png(1, height, rows=b"\0\x07" * height), "thin.png")
    assert decoded.pixels.shape == (height, 1)
    assert (decoded.pixels == 7).all()


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(9 << 20))), id="row7-zTXt"),
        pytest.param(chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(9 << 20))), id="row7-iCCP"),
        pytest.param(
            chunk(b"iTXt", b"note\0\1\0\0\0" + zlib.compress(bytes(9 << 20))), id="row7-iTXt"
        ),
        pytest.param(chunk(b"tEXt", b"k\0v") * 65_536, id="row7-chunks"),
    ],
)
def test_a_bomb_in_the_metadata_is_refused(bomb: bytes) -> None:
    with pytest.raises(ImageError, match=r"bomb\.png is damaged or cut short"):
        decode_bytes(png(1, 1, bomb, rows=b"\0\0"), "bomb.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.swapaxes(0, 1)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).swapaxes(0, 1)),
        (8, lambda a: np.rot90(a)),
    ],
)
def test_row12_exif_orientation_turns_the_pixels(
    kind: str, orientation: int, turn: Callable[[np.ndarray], np.ndarray]
) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95, "subsampling": 0}
    options = {} if kind in ("PNG", "TIFF") else options
    plain = decode_bytes(saved(PHOTO_IMAGE, kind, **options), "plain").pixels
    decoded = decode_bytes(saved(PHOTO_IMAGE, kind, exif=exif, **options), "turned")
    assert np.array_equal(decoded.pixels, turn(plain))
    height, width = decoded.pixels.shape[:2]
    assert decoded.notes == (f"EXIF orientation {orientation} applied: {width}x{height}",)


@pytest.mark.parametrize("orientation", [0, 1, 9, 65_535])
def test_row12_other_orientations_change_nothing(orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    decoded = decode_bytes(saved(PHOTO_IMAGE, "PNG", exif=exif), "photo")
    assert np.array_equal(decoded.pixels, PHOTO)
    assert decoded.notes == ()


def test_row12_broken_exif_is_noted_and_no_warning_leaks() -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\x03\0\x12\x01\x02\0\xff\xff\xff\x7f\xff\xff\xff\x7f"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoded = decode_bytes(saved(PHOTO_IMAGE, "PNG", exif=exif), "photo")
    assert np.array_equal(decoded.pixels, PHOTO)
    assert [note[:17] for note in decoded.notes] == ["reader's warning:"] * 2


def test_row12_exif_that_cannot_be_read_is_noted() -> None:
    decoded = decode_bytes(saved(PHOTO_IMAGE, "PNG", exif=b"Exif\0\0no TIFF header"), "photo")
    assert np.array_equal(decoded.pixels, PHOTO)
    assert decoded.notes == ("unreadable EXIF data: its orientation was not applied",)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_row13_the_first_frame_is_used_and_stated(kind: str) -> None:
    grey = [Image.new("L", (8, 6), level) for level in (10, 200, 90)]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(grey[0], kind, save_all=True, append_images=grey[1:], **options)
    decoded = decode_bytes(data, "moving")
    assert decoded.notes[0] == "first frame of several used"
    assert decoded.pixels.shape[:2] == (6, 8)
    assert (decoded.pixels == 10).all()


def test_row14_the_content_decides_and_trailing_bytes_do_not_matter() -> None:
    for kind in ("png", "jpeg", "gif", "webp"):
        plain, trailing = FILES[kind], FILES[kind] + bytes(1 << 20)
        assert np.array_equal(
            decode_bytes(plain, "cat.txt").pixels, decode_bytes(trailing, "cat.txt").pixels
        )


def test_a_pillow_image_is_decoded_and_left_alone() -> None:
    exif = Image.Exif()
    exif[274] = 3
    with Image.open(io.BytesIO(saved(PHOTO_IMAGE, "PNG", exif=exif))) as opened:
        decoded = decode_picture(opened, "opened")
        assert np.array_equal(decoded.pixels, PHOTO[::-1, ::-1])
        assert np.array_equal(np.asarray(opened), PHOTO)


def test_a_lazily_opened_cut_file_is_refused() -> None:
    with (
        Image.open(io.BytesIO(FILES["jpeg"][:-200])) as opened,
        pytest.raises(ImageError, match="damaged or cut short"),
    ):
        decode_picture(opened, "opened")


@pytest.mark.parametrize("path", ["missing.png", ".", "a\0b.png", "n" * 5000, "/dev/zero"])
def test_a_path_that_is_no_readable_file_is_refused(path: str) -> None:
    with pytest.raises(ImageError, match=r"^photo (cannot be read|is not a file)"):
        read_file(path, "photo")


def test_pillows_log_does_not_reach_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    tags = saved(PHOTO_IMAGE, "TIFF")
    entry = tags.index(struct.pack("<HHI", 277, 3, 1))
    hostile = tags[: entry + 8] + struct.pack("<H", 60_000) + tags[entry + 10 :]
    with pytest.raises(ImageError):
        decode_bytes(hostile, "photo.tiff")
    assert capfd.readouterr() == ("", "")


@given(st.binary(max_size=200), st.sampled_from([b"", PNG_HEAD, b"\xff\xd8\xff", b"II*\0", b"BM"]))
def test_random_bytes_raise_nothing_but_image_error(tail: bytes, head: bytes) -> None:
    said = sentence(head + tail)
    assert said == "" or (said.startswith("x ") and said.endswith("."))


@given(st.sampled_from(sorted(FILES)), st.data())
def test_altered_files_decode_or_raise_image_error(kind: str, data: st.DataObject) -> None:
    altered = bytearray(FILES[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        altered[data.draw(st.integers(0, len(altered) - 1))] = data.draw(st.integers(0, 255))
    if sentence(bytes(altered)) == "":
        assert looks_like_image(bytes(altered[:12]))
