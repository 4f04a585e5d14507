"""Missing pixels are never shown as black or grey, and whole files pass."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from rs_core.errors import ImageError
from rs_core.images.decoding import decode_bytes, decode_picture
from rs_core.images.wholeness import MAX_SCANS
from tests.images.files import chunk, saved

PHOTO = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
SMOOTH = Image.fromarray(PHOTO[::8, ::8]).resize((56, 40), Image.Resampling.BICUBIC)
DAMAGED = r"^x is damaged or cut short \("
END = b"\xff\xd9"


def png(size: tuple[int, int], stream: bytes, *, depth: int, kind: int, interlaced: int) -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, interlaced))
    palette = chunk(b"PLTE", bytes(range(6))) if kind == 3 else b""
    body = chunk(b"IDAT", stream) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + palette + body


ADAM7 = ("16462646", "77777777", "56565656", "77777777",
         "36463646", "77777777", "56565656", "77777777")  # fmt: skip


def bytes_of(size: tuple[int, int], bits: int, interlaced: int) -> int:
    """Bytes of an image by the picture in the PNG specification: the pass of each pixel."""
    total = 0
    for step in "1234567" if interlaced else "0":
        rows: dict[int, int] = {}
        for y in range(size[1]):
            for x in range(size[0]):
                if step == "0" or ADAM7[y % 8][x % 8] == step:
                    rows[y] = rows.get(y, 0) + 1
        total += sum(1 + (pixels * bits + 7) // 8 for pixels in rows.values())
    return total


def test_a_png_with_a_garbage_stream_is_refused_not_shown_black() -> None:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", bytes(range(200))) + chunk(b"IEND", b"")
    with pytest.raises(ImageError, match=DAMAGED):
        decode_bytes(b"\x89PNG\r\n\x1a\n" + head + body, "x")


def test_a_picture_whose_pixels_fail_is_refused_though_its_metadata_asks_first() -> None:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", bytes(range(200))) + chunk(b"IEND", b"")
    with (
        Image.open(io.BytesIO(b"\x89PNG\r\n\x1a\n" + head + body)) as opened,
        pytest.raises(ImageError, match=DAMAGED),
    ):
        decode_picture(opened, "x")


@settings(max_examples=60)
@given(
    st.tuples(st.integers(1, 19), st.integers(1, 19)),
    st.sampled_from([(1, 0), (2, 0), (4, 0), (8, 0), (16, 0), (8, 2), (16, 2), (1, 3), (8, 3),
                     (8, 4), (16, 4), (8, 6), (16, 6)]),
    st.integers(0, 1),
)  # fmt: skip
def test_a_png_stream_of_every_kind_must_reach_its_last_byte(
    size: tuple[int, int], kind: tuple[int, int], interlaced: int
) -> None:
    depth, colour = kind
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    need = bytes_of(size, bits, interlaced)
    facts = {"depth": depth, "kind": colour, "interlaced": interlaced}
    whole = decode_bytes(png(size, zlib.compress(bytes(need)), **facts), "x")
    assert whole.pixels.shape[:2] == size[::-1]
    decode_bytes(png(size, zlib.compress(bytes(need + 9)), **facts), "x")
    for missing in (1, need // 2, need):
        stream = zlib.compress(bytes(need - missing))
        with pytest.raises(ImageError, match="its pixels end early"):
            decode_bytes(png(size, stream, **facts), "x")


def test_a_png_stream_with_a_wrong_sum_is_refused() -> None:
    stream = bytearray(zlib.compress(bytes(28 * 29)))
    stream[-1] ^= 1
    with pytest.raises(ImageError, match="do not unpack"):
        decode_bytes(png((28, 28), bytes(stream), depth=8, kind=0, interlaced=0), "x")


JPEGS: dict[str, dict[str, object]] = {
    "plain": {}, "fine": {"quality": 100, "subsampling": 0}, "coarse": {"quality": 3},
    "progressive": {"progressive": True}, "optimized": {"optimize": True, "subsampling": 1},
    "restarts": {"restart_marker_blocks": 2}, "rows": {"restart_marker_rows": 1},
    "both": {"progressive": True, "restart_marker_blocks": 3, "subsampling": 0},
}  # fmt: skip


def entropy_begins(data: bytes) -> int:
    at = data.index(b"\xff\xda")
    return at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("kind", JPEGS)
def test_a_cut_jpeg_that_ends_in_order_is_refused_and_the_whole_one_passes(
    kind: str, mode: str
) -> None:
    options = {k: v for k, v in JPEGS[kind].items() if mode == "RGB" or k != "subsampling"}
    data = saved(SMOOTH.convert(mode), "JPEG", **options)
    whole = decode_bytes(data, "x").pixels
    begin = entropy_begins(data)
    refused = 0
    for length in range(begin, len(data) - 2, max(1, (len(data) - begin) // 40)):
        try:
            cut = decode_bytes(data[:length].rstrip(b"\xff") + END, "x")
        except ImageError as error:
            assert "x is damaged or cut short (" in str(error)  # noqa: PT017
            refused += 1
        else:
            assert np.array_equal(cut.pixels, whole)
    assert refused >= 35


def test_a_progressive_jpeg_without_its_last_scan_is_refused() -> None:
    data = saved(SMOOTH, "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match="its pixels end early"):
        decode_bytes(data[:last] + END, "x")


def scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes so many times more."""
    data = saved(SMOOTH, "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * count + END


def test_a_jpeg_of_thousands_of_scans_is_refused_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loads: list[object] = []
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: loads.append(self))
    with pytest.raises(ImageError, match=rf"more than {MAX_SCANS} scans, the limit"):
        decode_bytes(scans(5_000), "x")
    assert loads == []


@pytest.mark.parametrize("marker", [0xC3, 0xC9, 0xCA])
def test_a_jpeg_of_which_nobody_could_tell_that_pixels_miss_is_refused(marker: int) -> None:
    data = saved(SMOOTH, "JPEG")
    frame = data.index(b"\xff\xc0")
    rare = data[:frame] + bytes((0xFF, marker)) + data[frame + 2 :]
    with pytest.raises(ImageError, match=r"lossless, hierarchical or arithmetic-coded JPEG"):
        decode_bytes(rare, "x")


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_a_fax_tiff_is_refused(compression: str) -> None:
    data = saved(SMOOTH.convert("1"), "TIFF", compression=compression)
    with pytest.raises(ImageError, match=r"compressed as .*save it as PNG"):
        decode_bytes(data, "x")


@pytest.mark.parametrize(
    "compression", ["jpeg", "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma"]
)
def test_a_tiff_whose_last_strip_is_cut_is_refused_and_the_whole_one_passes(
    compression: str,
) -> None:
    data = saved(SMOOTH, "TIFF", compression=compression)
    whole = decode_bytes(data, "x")
    assert np.abs(whole.pixels.astype(int) - np.asarray(SMOOTH)).mean() < 5
    with Image.open(io.BytesIO(data)) as opened:
        assert isinstance(opened, TiffImagePlugin.TiffImageFile)
        (count,), (start,) = opened.tag_v2[279], opened.tag_v2[273]
    entry = data.index(struct.pack("<HHII", 279, 4, 1, count)) + 8
    short = data[:entry] + struct.pack("<I", count // 2) + data[entry + 4 :]
    ended = bytearray(short)
    ended[start + count // 2 - 2 : start + count // 2] = END
    for cut in (short, bytes(ended)):
        with pytest.raises(ImageError, match=DAMAGED):
            decode_bytes(cut, "x")


def test_a_gif_whose_data_ends_early_in_order_is_refused() -> None:
    data = saved(Image.fromarray(PHOTO[..., 0]), "GIF")
    begin = 13 + 3 * 2 ** ((data[10] & 7) + 1)  # header, palette
    assert data[begin : begin + 1] == b","
    begin += 10 + 1  # descriptor, size of codes
    first = data[begin : begin + 1 + data[begin]]
    with pytest.raises(ImageError, match=DAMAGED):
        decode_bytes(data[:begin] + first + b"\0;", "x")


@pytest.mark.parametrize("lossless", [False, True])
def test_a_webp_whose_sizes_were_made_to_fit_a_cut_is_refused(lossless: bool) -> None:
    data = saved(SMOOTH, "WEBP", lossless=lossless)
    for part in (0.3, 0.6, 0.95):
        kept = data[20 : 20 + (int((len(data) - 20) * part) & ~1)]
        cut = b"RIFF" + struct.pack("<I", 12 + len(kept)) + data[8:16]
        with pytest.raises(ImageError, match=DAMAGED):
            decode_bytes(cut + struct.pack("<I", len(kept)) + kept, "x")


def test_a_run_length_bmp_that_ends_early_in_order_is_refused() -> None:
    grey = Image.fromarray(PHOTO[..., 0])
    data = bytearray(saved(grey, "BMP"))
    data[30:34] = struct.pack("<I", 1)
    begin = int.from_bytes(data[10:14], "little")
    lines = [b"".join(bytes((1, v)) for v in row) + b"\0\0" for row in PHOTO[::-1, :, 0]]
    whole = decode_bytes(bytes(data[:begin]) + b"".join(lines) + b"\0\1", "x")
    assert np.array_equal(whole.pixels, PHOTO[..., 0])
    with pytest.raises(ImageError, match=DAMAGED):
        decode_bytes(bytes(data[:begin]) + b"".join(lines[:20]) + b"\0\1", "x")
