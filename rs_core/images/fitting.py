"""Pixels get a network's channels and size, and every change is noted."""

import numpy as np
from PIL import Image

from rs_core.errors import ImageError


def fitted(pixels: np.ndarray, shape: tuple[int, int, int]) -> tuple[np.ndarray, list[str]]:
    """Pixels (H,W[,C]) of the network's (C,H,W), 8-bit wherever anything had to change; notes.

    Raises:
        ImageError: the network takes neither 1 nor 3 channels.
    """
    channels, height, width = shape
    if channels not in (1, 3):
        raise ImageError(f"the network takes {channels} channels; images have 1 or 3.")
    if pixels.shape[:2] == (height, width) and pixels.size == channels * height * width:
        return pixels, []
    notes: list[str] = []
    if pixels.dtype != np.uint8:
        rounded = np.rint(pixels * 255).astype(np.uint8)
        if not np.array_equal(rounded.astype(np.float32) / np.float32(255), pixels):
            notes.append("float pixels rounded to 8 bits before fitting")
        pixels = rounded
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)
    if channels == 1 and image.mode == "RGB":
        image = image.convert("L")
        notes.append("colour converted to grey (ITU-R 601 luma)")
    elif channels == 3 and image.mode == "L":
        image = image.convert("RGB")
        notes.append("grey repeated to 3 channels")
    image = _cropped(image, width, height, notes)
    return np.asarray(_resized(image, width, height, notes)), notes


def _cropped(image: Image.Image, width: int, height: int, notes: list[str]) -> Image.Image:
    # Stretching bends the shapes a network has learnt and padding adds borders it has never
    # seen; a centre crop only loses margins.
    wide = max(1, min(image.width, round(image.height * width / height)))
    high = max(1, min(image.height, round(image.width * height / width)))
    if (wide, high) == image.size:
        return image
    left, top = (image.width - wide) // 2, (image.height - high) // 2
    notes.append(f"centre-cropped {image.width}x{image.height} -> {wide}x{high}")
    return image.crop((left, top, left + wide, top + high))


def _resized(image: Image.Image, width: int, height: int, notes: list[str]) -> Image.Image:
    if image.size == (width, height):
        return image
    step = f"{image.width}x{image.height} -> {width}x{height} (lanczos)"
    if image.width < width or image.height < height:
        notes.append(f"warning: enlarged {step}, so it shows less detail than the network takes")
    else:
        notes.append(f"resized {step}")
    # In 8 bits, so that the result stays on the grid k/255 that exact noise arithmetic needs.
    return image.resize((width, height), Image.Resampling.LANCZOS)
