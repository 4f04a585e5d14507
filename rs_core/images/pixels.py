"""Every mode an image can have becomes plain pixels: 8-bit grey or RGB, or floats in [0,1].

Nothing is clipped and nothing changes in silence: each conversion says what it did.
"""

from typing import Any

import numpy as np
from PIL import Image, ImageCms

from rs_core.errors import ImageError

MAX_PIXELS = 16_000_000

_BITS, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0


def check_size(width: int, height: int, name: str) -> None:
    """Raises: ImageError: no pixels at all, or more than `MAX_PIXELS`."""
    if width < 1 or height < 1:
        raise ImageError(f"{name} has no pixels ({width}x{height}): give an image of 1x1 or more.")
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name} has {width}x{height} = {width * height / 1e6:.1f} million pixels, the limit "
            f"is {MAX_PIXELS // 10**6} million: shrink the image first."
        )


def plain_pixels(
    image: Image.Image, tags: dict[int, Any], name: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Plain pixels of a loaded image, and what was done to get them.

    Args:
        image: any mode; not changed.
        tags: the TIFF tags of its file, empty for other formats.
        name: for the error messages.

    Returns:
        uint8 (H,W) or (H,W,3), or float32 (H,W) in [0,1]; and the notes.

    Raises:
        ImageError: the mode has no plain pixels, or the values are out of range.
    """
    mode = image.mode
    if mode.startswith("I"):
        return _from_integers(image, tags, name)
    if mode == "F":
        return _from_floats(image, tags, name), ("32-bit float pixels used as they are",)
    if image.has_transparency_data:
        return _on_white(image)
    if mode in ("L", "RGB"):
        return np.asarray(image), ()
    if mode == "1":
        return np.asarray(image.convert("L")), ("1-bit pixels widened to 8 bits",)
    if mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert converted is not None
        return np.asarray(converted), ("LAB colour converted to sRGB",)
    if mode == "P":
        return np.asarray(image.convert("RGB")), ("palette converted to RGB",)
    if mode in ("CMYK", "YCbCr", "HSV", "RGBX"):
        note = f"{mode} converted to RGB without a colour profile"
        return np.asarray(image.convert("RGB")), (note,)
    raise ImageError(f"{name} has pixels of mode {mode}: save the image as 8-bit grey or RGB.")


def _on_white(image: Image.Image) -> tuple[np.ndarray, tuple[str, ...]]:
    """Composites on white, so that colours hidden under full transparency cannot surface."""
    grey = image.mode in ("1", "L", "LA", "La")
    straight = image.convert("LA") if image.mode == "La" else image
    rgba = straight if straight.mode == "RGBA" else straight.convert("RGBA")
    alpha = rgba.getchannel("A")
    if alpha.getextrema() == (255, 255):
        note = "opaque alpha channel dropped"
    else:
        note = "transparent pixels composited on white"
    ground = Image.new("RGB", rgba.size, "white")
    ground.paste(rgba, mask=alpha)
    return np.asarray(ground.convert("L") if grey else ground), (note,)


def _from_integers(
    image: Image.Image, tags: dict[int, Any], name: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """16-bit grey (and TIFF's 12-bit) scaled to 8 bits, 65535 -> 255, never clipped."""
    bits = 12 if tags.get(_BITS) == (12,) else 16
    full = 2**bits - 1
    values = np.asarray(image)
    if values.min() < 0 or values.max() > full:
        raise ImageError(
            f"{name} has grey values from {values.min()} to {values.max()}, the limit is 0 to "
            f"{full}: save the image as 8-bit or 16-bit grey."
        )
    scaled = values.astype(np.uint32)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        scaled = full - scaled
    scaled = ((scaled * 255 + full // 2) // full).astype(np.uint8)
    notes: tuple[str, ...] = (f"{bits}-bit grey scaled to 8 bits by 1/{full / 255:.4g}",)
    key = image.info.get("transparency")
    if isinstance(key, int):
        scaled[values == key] = 255
        notes += ("transparent pixels composited on white",)
    return scaled, notes


def _from_floats(image: Image.Image, tags: dict[int, Any], name: str) -> np.ndarray:
    pixels = np.asarray(image, dtype=np.float32)
    check_floats(pixels, name)
    return 1 - pixels if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else pixels


def check_floats(pixels: np.ndarray, name: str) -> None:
    """Raises: ImageError: NaN, infinities, or values outside [0,1]."""
    if not np.isfinite(pixels).all():
        raise ImageError(f"{name} holds NaN or infinite pixels: replace them first.")
    low, high = float(pixels.min()), float(pixels.max())
    if low < 0 or high > 1:
        raise ImageError(
            f"{name} has float pixels from {_exact(low)} to {_exact(high)}, the limit is 0 to 1: "
            "rescale them, or give uint8 pixels from 0 to 255."
        )


def _exact(value: float) -> str:
    """Short where that is the number itself, so that 1.000000001 does not read as 1."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
