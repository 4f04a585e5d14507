"""Image files and Pillow images become plain pixels, or one sentence that says why not.

The content decides, never the file's extension. Whatever had to be changed on the way is
noted, in order, in sentences that travel with every certificate of the image.
"""

import logging
import os
import re
import stat
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from rs_core.errors import ImageError
from rs_core.images.deep import CUT_NOTE, DEEP_NOTE, check_one_plane, is_deep, shallow_copy
from rs_core.images.pixels import MAX_PIXELS, check_size, plain_pixels
from rs_core.images.profiles import profile_notes
from rs_core.images.wholeness import check_whole

# An allow-list: Pillow's other readers are rarely tested, and EPS starts a foreign program.
# JPEG covers the MPO files of phones.
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
MAX_BYTES = 32 * 2**20

_SIGNATURES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"GIF87a",
    b"GIF89a",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
)
# The latter is what Pillow says when zlib cannot begin.
_WANT_OF_MEMORY = re.compile("out of memory|codec configuration error")
_ORIENTATION = 274
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = tuple(_TURNS[orientation] for orientation in range(5, 9))

# Without a handler of its own, Pillow's log would reach the terminal for hostile files.
logging.getLogger("PIL").addHandler(logging.NullHandler())


@dataclass(frozen=True, eq=False)
class Decoded:
    """Upright pixels and what was done to get them.

    Fields:
        pixels: uint8 (H,W) or (H,W,3), or float32 (H,W) in [0,1].
        notes: sentences, in order.
    """

    pixels: np.ndarray
    notes: tuple[str, ...]


def looks_like_image(head: bytes) -> bool:
    """Whether a file that begins with these bytes (12 suffice) is of a supported format."""
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return webp or head.startswith(_SIGNATURES)


def read_file(path: str | os.PathLike[str], name: str) -> bytes:
    """The bytes of a regular file of at most `MAX_BYTES`.

    Raises:
        ImageError: missing, unreadable, not a regular file, or too large.
    """
    try:
        file = Path(path)
        if not stat.S_ISREG(file.stat().st_mode):
            raise ImageError(f"{name} is not a file: give the path of one image.")
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "bad path"
        raise ImageError(f"{name} cannot be read ({reason}): check its path.") from None


def decode_bytes(data: bytes, name: str) -> Decoded:
    """The first frame of an image file's bytes, upright, as 8-bit or float pixels.

    A cut file is refused, never shown in part. Damage inside a PNG is found by its checksums;
    other formats have none, so altered bytes inside a file may decode to other pixels (and
    another digest).

    Raises:
        ImageError: unsupported or damaged content, over `MAX_BYTES` or `MAX_PIXELS`.
    """
    if len(data) > MAX_BYTES:
        raise ImageError(
            f"{name} is larger than the limit of {MAX_BYTES // 2**20} MB: shrink the image first."
        )
    if not looks_like_image(data[:12]):
        raise _unsupported(name)
    return _guarded(lambda: _open_and_decode(data, name), name)


def decode_picture(image: Image.Image, name: str) -> Decoded:
    """A Pillow image's current frame, upright, as 8-bit or float pixels; it is left unchanged.

    Raises:
        ImageError: a mode without plain pixels, damaged content, over `MAX_PIXELS`.
    """
    return _guarded(lambda: _decode(image, name, ()), name)


def _unsupported(name: str) -> ImageError:
    return ImageError(
        f"{name} is not a supported image: give a PNG, JPEG, GIF, WebP, BMP or TIFF file."
    )


def _too_heavy(name: str) -> ImageError:
    return ImageError(f"{name} takes more memory to decode than there is for it: make it smaller.")


def _guarded(decode: Callable[[], Decoded], name: str) -> Decoded:
    """Runs `decode`; Pillow's warnings become notes and its failures an ImageError."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            decoded = decode()
        except ImageError:
            raise
        except MemoryError:
            raise _too_heavy(name) from None
        except Image.DecompressionBombError:
            raise ImageError(
                f"{name} would unpack to more than the limit of {MAX_PIXELS // 10**6} million "
                "pixels: shrink the image first."
            ) from None
        except UnidentifiedImageError:
            raise ImageError(
                f"{name} has a damaged or unknown header: save the image again as PNG or JPEG."
            ) from None
        # Hostile bytes drive Pillow's readers into any exception; all mean the same here.
        except Exception as error:
            reason = " ".join(str(error).split())[:80] or type(error).__name__
            if _WANT_OF_MEMORY.search(reason):
                raise _too_heavy(name) from None
            raise ImageError(
                f"{name} is damaged or cut short ({reason}): save or send the image again."
            ) from None
    said = [" ".join(str(w.message).split())[:120] for w in caught if w.category is UserWarning]
    notes = tuple(f"reader's warning: {text}" for text in dict.fromkeys(said))
    return Decoded(decoded.pixels, decoded.notes + notes)


def _open_and_decode(data: bytes, name: str) -> Decoded:
    with Image.open(BytesIO(data), formats=FORMATS) as image:
        check_size(*image.size, name)
        check_whole(image, data, name)
        notes = ("first frame of several used",) if _has_second_frame(data) else ()
        return _decode(image, name, notes, data)


def _has_second_frame(data: bytes) -> bool:
    """Asks a second reader, because looking ahead may disturb the frame that is decoded."""
    with Image.open(BytesIO(data), formats=FORMATS) as probe:
        try:
            probe.seek(1)
        except EOFError:
            return False
        # A damaged second frame is still one that is not shown.
        except Exception:
            return True
        return True


def _decode(
    image: Image.Image, name: str, notes: tuple[str, ...], data: bytes | None = None
) -> Decoded:
    check_size(*image.size, name)
    tags: dict[int, Any] = dict(getattr(image, "tag_v2", {}))
    check_one_plane(image, name)
    if is_deep(image):
        notes += (CUT_NOTE if data is None else DEEP_NOTE,)
        image = image if data is None else shallow_copy(image, data)
    # Before the metadata: asking for it may load the pixels, and a reader that failed once
    # answers with black ones later.
    image.load()
    turn, said = _turn(image, tags)
    upright = image if turn is None else image.transpose(turn)
    check_size(*upright.size, name)
    pixels, converted = plain_pixels(upright, tags, name)
    return Decoded(pixels, notes + said + profile_notes(image.info.get("icc_profile")) + converted)


def _turn(
    image: Image.Image, tags: dict[int, Any]
) -> tuple[Image.Transpose | None, tuple[str, ...]]:
    """How a loaded image is still to be turned for its EXIF orientation, and the note."""
    if tags:  # Pillow turns a TIFF while it loads it
        orientation, turn = tags.get(_ORIENTATION, 1), None
    else:
        try:
            orientation = image.getexif().get(_ORIENTATION, 1)
        except Exception:
            return None, ("unreadable EXIF data: its orientation was not applied",)
        turn = _TURNS.get(orientation)
    if orientation not in _TURNS:
        return None, ()
    width, height = image.size
    if turn in _SIDEWAYS:
        width, height = height, width
    return turn, (f"EXIF orientation {orientation} applied: {width}x{height}",)
