"""Files with 16 bits in each of several channels, of which Pillow keeps the upper eight.

Its readers take either byte of a channel for the upper one, as the byte order in the raw mode
says. So the file is read twice, in its own order and in the other, and both bytes are known.
"""

import sys
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from rs_core.errors import ImageError

DEEP_NOTE = "16-bit channels scaled to 8 bits by 1/257"
CUT_NOTE = "16-bit channels cut to their upper 8 bits; the file itself would be scaled by 1/257"

_PLANES, _SEPARATE, _BITS = 284, 2, 258
_ROWS = 256
_FULL = 65_535
_NATIVE = {"N": "L" if sys.byteorder == "little" else "B", "B": "B", "L": "L"}


def is_deep(image: Image.Image) -> bool:
    """Whether an image that was not yet loaded has several channels of 16 bits each."""
    return any(";16" in raw and raw[-1] in _NATIVE and raw[0] != "I" for raw in _raw_modes(image))


def check_one_plane(image: Image.Image, name: str) -> None:
    """Raises: ImageError: its 16-bit channels lie apart, which Pillow reads as if they had 8."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(_PLANES) == _SEPARATE and max(tags.get(_BITS, (8,))) > 8:
        raise ImageError(
            f"{name} is a TIFF of 16-bit channels in separate planes, which cannot be read: save "
            "it with interleaved channels, or as PNG."
        )


def shallow_copy(image: Image.Image, data: bytes) -> Image.Image:
    """The image of 8-bit channels, each round(v / 257), with what its file says beside pixels.

    Args:
        image: `is_deep`, opened from `data`, not loaded; left as it is.
        data: the file.
    """
    if any(raw.startswith("LA") for raw in _raw_modes(image)):
        # Pillow has no second order for it; its four bytes are those of another mode.
        four, info = _read(image, data, lambda raw: "RGBA")
        mode, high, low = "LA", four[..., 0::2].copy(), four[..., 1::2].copy()
    else:
        mode, high = image.mode, _read(image, data, _straight)[0]
        low, info = _read(image, data, lambda raw: _swapped(_straight(raw)))
    key = image.info.get("transparency")
    if isinstance(key, tuple):
        upper, lower = np.divmod(np.asarray(key), 256)
        clear = (high == upper).all(-1) & (low == lower).all(-1)
    if any(raw.startswith("RGBa") for raw in _raw_modes(image)):
        _part_from_alpha(high, low)
    for top in range(0, len(high), _ROWS):
        _scale(high[top : top + _ROWS], low[top : top + _ROWS])
    if isinstance(key, tuple):
        mode, high = "RGBA", np.dstack([high, np.where(clear, np.uint8(0), np.uint8(255))])
    shallow = Image.frombytes(mode, (high.shape[1], high.shape[0]), high.tobytes())
    shallow.info = {name: told for name, told in info.items() if name != "transparency"}
    return shallow


def _scale(high: np.ndarray, low: np.ndarray) -> None:
    """Makes `high` round((256 high + low) / 257), which is at most one away from it."""
    beyond = low.astype(np.int16) - high  # (256 high + low) / 257 = high + beyond / 257
    high += beyond > 128
    high -= beyond < -128


def _part_from_alpha(high: np.ndarray, low: np.ndarray) -> None:
    """Takes out the alpha that colours were multiplied with."""
    for top in range(0, len(high), _ROWS):
        rows = slice(top, top + _ROWS)
        values = high[rows].astype(np.uint64) * 256 + low[rows]
        alpha = np.maximum(values[..., 3:], 1)
        straight = np.minimum(values[..., :3] * _FULL // alpha, _FULL)
        high[rows, :, :3], low[rows, :, :3] = straight >> 8, straight & 255


def _read(
    image: Image.Image, data: bytes, change: Callable[[str], str]
) -> tuple[np.ndarray, dict[str | tuple[int, int], Any]]:
    """Bytes (H,W,C) of the file under changed raw modes; what it says of itself."""
    assert image.format is not None
    with Image.open(BytesIO(data), formats=(image.format,)) as reader:
        reader.tile = [tile._replace(args=_changed(tile.args, change)) for tile in reader.tile]
        reader.load()
        return np.array(reader), reader.info


def _raw_modes(image: Image.Image) -> list[str]:
    return [_raw_mode(tile.args) for tile in getattr(image, "tile", ())]


def _raw_mode(args: object) -> str:
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def _changed(args: object, change: Callable[[str], str]) -> tuple[object, ...] | str:
    if isinstance(args, tuple):
        return (change(_raw_mode(args)), *args[1:])
    return change(_raw_mode(args))


def _straight(raw: str) -> str:
    return raw.replace("RGBa", "RGBA")


def _swapped(raw: str) -> str:
    return raw[:-1] + ("B" if _NATIVE[raw[-1]] == "L" else "L")
