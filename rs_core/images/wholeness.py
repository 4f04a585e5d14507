"""Whether a file holds every pixel that it announces.

Pillow and the libraries below it show what is missing as black or grey and say nothing, so what
they would not miss is looked for here. A file of whole but altered bytes may still decode to other
pixels wherever its format has no checksum.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from io import BytesIO
from typing import Any

from PIL import Image

from rs_core.errors import ImageError
from rs_core.images.pixels import check_size

MAX_SCANS = 100  # libtiff's limit; encoders write about ten

_MAX_PARTS = 65_536
_PIECE = 1 << 20
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
           (0, 1, 1, 2))  # fmt: skip

# Markers of a JPEG stream: a restart does not end a scan, and FF 00 is a byte of it.
_MARKER = re.compile(rb"\xff([\x01-\xfe])")
_SCAN_END = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_SOF, _RARE_SOF = (
    (0xC0, 0xC1, 0xC2),
    (0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC), 0xCD, 0xCE, 0xCF),
)
_SOI, _EOI, _SOS, _DRI = 0xD8, 0xD9, 0xDA, 0xDD
# Decoders make up zeros, so these begin with ones; no byte may look like a marker. Of 5,200 cuts
# within the last 15 bytes of a file two decoded to the made-up pixels with both.
_FILLINGS = (
    bytes.fromhex("b5941b5657314f5573be3f3a07f2c45d48ea6464a1473309dbbdbb601c70fd36"),
    bytes.fromhex("ad53aac6b7825ddc68b55902bcf674a0393295ba01f75019634e4760029d7415"),
)

_STRICT_TIFF = (
    "raw", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate", "lzma", "zstd"
)  # fmt: skip
_OFFSETS, _COUNTS, _TABLES = (273, 324), (279, 325), 347


def check_whole(image: Image.Image, data: bytes, name: str) -> None:
    """Refuses an opened image whose first frame is not all there; what no decoder misses is left.

    Args:
        image: just opened from `data`.
        data: the file.
        name: for the error messages.

    Raises:
        OSError: it is damaged, or pixels are missing.
        ImageError: nothing could tell that pixels are missing, or it has too many scans.
    """
    if image.format == "PNG":
        _check_png(data)
    elif image.format in ("JPEG", "MPO"):
        _load_jpeg(image, data, name)
    elif image.format == "TIFF":
        _check_tiff(image, data, name)


def _check_png(data: bytes) -> None:
    """Every checksum is right, and the stream unpacks to every row of the image."""
    missing, unpacker = _png_bytes(data), zlib.decompressobj()
    for kind, body in _chunks(data):
        waiting: bytes | memoryview = body if kind == b"IDAT" else b""
        while len(waiting) and missing > 0 and not unpacker.eof:
            try:
                missing -= len(unpacker.decompress(waiting, _PIECE))
            except zlib.error as error:
                raise OSError(f"its pixels do not unpack: {error}") from None
            waiting = unpacker.unconsumed_tail
    if missing > 0:
        raise OSError("its pixels end early")
    try:  # what is left is a checksum, or data beyond the image
        unpacker.decompress(unpacker.unconsumed_tail, _PIECE)
    except zlib.error as error:
        raise OSError(f"its pixels do not unpack: {error}") from None


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The chunks of a PNG up to IEND, because Pillow skips the checksums of the pixel data."""
    at, view = 8, memoryview(data)
    for _ in range(_MAX_PARTS):
        end = at + 12 + int.from_bytes(view[at : at + 4], "big")
        if end > len(view):
            raise OSError("it ends before its IEND chunk")
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise OSError("a checksum is wrong")
        kind = bytes(view[at + 4 : at + 8])
        yield kind, view[at + 8 : end - 4]
        if kind == b"IEND":
            return
        at = end
    raise OSError(f"more than {_MAX_PARTS} chunks")


def _png_bytes(data: bytes) -> int:
    """What the pixels of a PNG unpack to: a filter byte before every row of every pass."""
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    bits = data[24] * _CHANNELS.get(data[25], 1)
    passes = _PASSES if data[28] else ((0, 0, 1, 1),)
    total = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total


@dataclass
class _Jpeg:
    """What a JPEG stream says of itself.

    Fields:
        size: (width, height), (0, 0) before its frame header.
        sampling: (across, down) of each component by its id.
        ends: where the data of each scan ends.
        rest: the bits that still miss of each coefficient, by (component, coefficient).
    """

    size: tuple[int, int] = (0, 0)
    progressive: bool = False
    sampling: dict[int, tuple[int, int]] = field(default_factory=dict)
    interval: int = 0
    ends: list[int] = field(default_factory=list)
    rest: dict[tuple[int, int], int] = field(default_factory=dict)

    def begin(self, header: bytes, progressive: bool) -> None:
        """A frame header."""
        self.progressive = progressive
        self.size = int.from_bytes(header[3:5], "big"), int.from_bytes(header[1:3], "big")
        for at in range(6, len(header) - 2, 3):
            self.sampling[header[at]] = max(1, header[at + 1] >> 4), max(1, header[at + 1] & 15)

    def note(self, header: bytes, body: bytes, end: int) -> None:
        """A scan: its header, its data, and where that ends in the file."""
        count = header[0] if header else 0
        chosen = [i for i in header[1 : 1 + 2 * count : 2] if i in self.sampling]
        if not chosen or len(header) < 4 + 2 * count:
            raise OSError("a scan names no component")
        first, last, bits = header[1 + 2 * count], header[2 + 2 * count], header[3 + 2 * count] & 15
        if not self.progressive:
            first, last, bits = 0, 63, 0
        for component in chosen:
            self.rest |= {(component, k): bits for k in range(first, min(last, 63) + 1)}
        restarts = sum(body.count(bytes((0xFF, 0xD0 + i))) for i in range(8))
        if self.interval and restarts < -(-self._units(chosen) // self.interval) - 1:
            raise OSError("its pixels end early")
        self.ends.append(end)

    def _units(self, chosen: list[int]) -> int:
        """How many coded units a scan of these components has."""
        most = [max(each[axis] for each in self.sampling.values()) for axis in (0, 1)]
        units = 1
        for axis in (0, 1):
            blocks = 8 * most[axis]
            if len(chosen) == 1:  # not interleaved: a unit is one block of this component
                own = -(-self.size[axis] * self.sampling[chosen[0]][axis] // most[axis])
                units *= -(-own // 8)
            else:
                units *= -(-self.size[axis] // blocks)
        return units

    @property
    def is_complete(self) -> bool:
        """Whether every coefficient of every component came, to its last bit."""
        return all(self.rest.get((i, k)) == 0 for i in self.sampling for k in range(64))


def _load_jpeg(image: Image.Image, data: bytes, name: str) -> None:
    """Loads it, and again with bytes added to the end of every scan.

    A decoder that has all pixels does not look at them; one that ran out of data, and would have
    made up the rest, takes them for pixels.
    """
    told, seen = _read_jpeg(data, name), set()
    for filling in _FILLINGS:
        filled = BytesIO(_filled(data, told.ends, filling))
        with Image.open(filled, formats=("JPEG",)) as other:
            check_size(*other.size, name)
            seen.add(_fingerprint(other))
    if seen != {_fingerprint(image)}:
        raise OSError("its pixels end early")


def _read_jpeg(data: bytes, name: str) -> _Jpeg:
    """What a stream says of itself, up to its first end marker; refused where scans are missing."""
    told, at = _Jpeg(), 2
    for _ in range(_MAX_PARTS):
        found = _MARKER.search(data, at)
        if found is None:
            raise OSError("it ends before its end marker")
        marker, start = found[1][0], found.end()
        if marker == _EOI:
            break
        if marker == 1 or 0xD0 <= marker <= _SOI:
            at = start
            continue
        at = start + max(2, int.from_bytes(data[start : start + 2], "big"))
        header = data[start + 2 : at]
        if marker in _RARE_SOF:
            raise ImageError(
                f"{name} is a lossless, hierarchical or arithmetic-coded JPEG, in which missing "
                "pixels cannot be told: save it as PNG or as an ordinary JPEG."
            )
        if marker in _SOF:
            told.begin(header, marker == 0xC2)
        elif marker == _DRI:
            told.interval = int.from_bytes(header[:2], "big")
        elif marker == _SOS:
            ended = _SCAN_END.search(data, at)
            end = len(data) if ended is None else ended.start()
            told.note(header, data[at:end], end)
            at = end
        if len(told.ends) > MAX_SCANS:
            raise ImageError(
                f"{name} is a JPEG of more than {MAX_SCANS} scans, the limit: save the image again."
            )
    else:
        raise OSError(f"more than {_MAX_PARTS} segments")
    if not told.is_complete:
        raise OSError("its pixels end early")
    return told


def _filled(data: bytes, ends: list[int], filling: bytes) -> bytes:
    """A JPEG with bytes added before the marker that ends each scan."""
    parts, last = [], 0
    for end in ends:
        parts += [data[last:end].rstrip(b"\xff"), filling]
        last = end
    return b"".join((*parts, data[last:]))


def _fingerprint(image: Image.Image) -> bytes:
    image.load()
    seen = blake2b()
    for top in range(0, image.height, 256):
        bottom = min(top + 256, image.height)
        seen.update(image.crop((0, top, image.width, bottom)).tobytes())
    return seen.digest()


def _check_tiff(image: Image.Image, data: bytes, name: str) -> None:
    """Its compression is one whose decoder misses missing data, or a JPEG, looked at by itself."""
    how = str(image.info.get("compression"))
    if how in _STRICT_TIFF:
        return
    if how != "jpeg":
        raise ImageError(
            f"{name} is a TIFF compressed as {how}, in which missing pixels cannot be told: "
            "save it as PNG, or as a TIFF with LZW or no compression."
        )
    for piece in _tiff_jpegs(dict(getattr(image, "tag_v2", {})), data):
        with Image.open(BytesIO(piece), formats=("JPEG",)) as part:
            check_size(*part.size, name)
            _load_jpeg(part, piece, name)


def _tiff_jpegs(tags: dict[int, Any], data: bytes) -> Iterator[bytes]:
    """The strips or tiles of a TIFF as JPEG files, with the tables that they share."""
    tables = bytes(tags.get(_TABLES, b""))[2:-2]
    starts, counts = (
        next((tuple(tags[tag]) for tag in names if tag in tags), ())
        for names in (_OFFSETS, _COUNTS)
    )
    if not starts or len(starts) != len(counts) or len(starts) > _MAX_PARTS:
        raise OSError("its strips are not told")
    for start, count in zip(starts, counts, strict=True):
        piece = data[start : start + count]
        if len(piece) < count:
            raise OSError("its pixels end early")
        yield b"\xff\xd8" + tables + piece[2:]
