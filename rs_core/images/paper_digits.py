"""A digit photographed on paper becomes what MNIST's networks have learnt: bright ink on black.

LeCun et al. (1998) scaled each digit into a box of 20x20 pixels, keeping its aspect, and put its
centre of mass into the middle of a field of 28x28; networks of that data expect nothing else.
"""

import numpy as np
from PIL import Image, ImageFilter

from rs_core.results import ModelSpec

_WORK_SIDE = 256  # strokes keep their shape at this size, and the filters stay fast
_COARSE_SIDE = 64
_BOX = 20 / 28
_FRAME = 0.08
_BRIGHT = 0.5
_LEAST_INK = 0.1  # of full scale; weaker traces are shadows and creases of the paper
_STROKE = 0.3  # of the strongest ink


def reads_digits(spec: ModelSpec) -> bool:
    """Whether a network reads one grey channel and knows the ten digits."""
    digits = tuple(str(digit) for digit in range(10))
    return spec.input_shape[0] == 1 and spec.class_names == digits


def is_dark_on_bright(pixels: np.ndarray) -> bool:
    """Whether the border of an image (H,W) or (H,W,3), uint8 or float in [0,1], is bright."""
    grey = np.asarray(_grey(pixels), dtype=np.float64) / 255
    frame = np.ones(grey.shape, dtype=bool)
    down, across = (max(1, round(side * _FRAME)) for side in grey.shape)
    frame[down:-down, across:-across] = False
    return float(grey[frame].mean()) > _BRIGHT


def centred_digit(
    pixels: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The ink of a dark-on-bright image as bright strokes on black, placed as MNIST does.

    Args:
        pixels: (H,W) or (H,W,3), uint8 or float in [0,1].
        height, width: of the network's input.

    Returns:
        uint8 (height, width), and the notes that belong into `preprocessing`. Where no ink is
        found the image is inverted as a whole and not centred.
    """
    grey = _grey(pixels)
    grey.thumbnail((_WORK_SIDE, _WORK_SIDE), Image.Resampling.BOX)
    ink = _ink(grey)
    strokes = ink > _STROKE
    if not strokes.any():
        whole = np.uint8(255) - np.asarray(grey.resize((width, height), Image.Resampling.LANCZOS))
        return whole, ("dark on bright: inverted; no ink was found to centre",)
    rows, columns = np.flatnonzero(strokes.any(axis=1)), np.flatnonzero(strokes.any(axis=0))
    cut = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    placed = _placed(_scaled(cut, height, width), height, width)
    box = f"{round(_BOX * width)}x{round(_BOX * height)}"
    return placed, (
        "dark on bright: inverted, the paper set to black",
        f"ink scaled into {box} and centred by its mass in {width}x{height}, as in MNIST",
    )


def _grey(pixels: np.ndarray) -> Image.Image:
    if pixels.dtype != np.uint8:
        pixels = np.rint(pixels * 255).astype(np.uint8)
    return Image.fromarray(pixels).convert("L")


def _ink(grey: Image.Image) -> np.ndarray:
    """How much darker than the paper around it each pixel is: float (H,W), strokes near 1.

    A grey closing wider than any stroke is the paper without its ink, shadows included; paper
    changes slowly, so a coarse copy suffices.
    """
    coarse = grey.copy()
    coarse.thumbnail((_COARSE_SIDE, _COARSE_SIDE), Image.Resampling.BOX)
    reach = max(3, min(coarse.size) // 3) | 1
    paper = coarse.filter(ImageFilter.MaxFilter(reach)).filter(ImageFilter.MinFilter(reach))
    paper = paper.resize(grey.size, Image.Resampling.BILINEAR)
    calm = grey.filter(ImageFilter.MedianFilter(3)) if min(grey.size) > _COARSE_SIDE else grey
    depth = np.asarray(paper, dtype=np.float64) - np.asarray(calm, dtype=np.float64)
    strongest = float(np.percentile(depth, 99.5))
    if strongest < 255 * _LEAST_INK:
        return np.zeros_like(depth)
    floor = strongest * _STROKE / 3
    shown: np.ndarray = np.clip((depth - floor) / (strongest - floor), 0.0, 1.0)
    return shown


def _scaled(ink: np.ndarray, height: int, width: int) -> np.ndarray:
    """The ink scaled, aspect kept, to fill MNIST's box in one direction."""
    ratio = min(_BOX * height / ink.shape[0], _BOX * width / ink.shape[1])
    size = (max(1, round(ink.shape[1] * ratio)), max(1, round(ink.shape[0] * ratio)))
    image = Image.fromarray(np.rint(ink * 255).astype(np.uint8))
    small = np.asarray(image.resize(size, Image.Resampling.LANCZOS), dtype=np.float64)
    bright: np.ndarray = np.rint(small * (255 / max(small.max(), 1.0)))
    return bright


def _placed(ink: np.ndarray, height: int, width: int) -> np.ndarray:
    mass = ink.sum()
    top = _corner(float(ink.sum(axis=1) @ np.arange(ink.shape[0]) / mass), ink.shape[0], height)
    left = _corner(float(ink.sum(axis=0) @ np.arange(ink.shape[1]) / mass), ink.shape[1], width)
    field = np.zeros((height, width), dtype=np.uint8)
    field[top : top + ink.shape[0], left : left + ink.shape[1]] = ink.astype(np.uint8)
    return field


def _corner(centre: float, size: int, room: int) -> int:
    """Where a stretch of `size` begins so that `centre` falls on pixel room/2 (14 in MNIST)."""
    return int(np.clip(round(room / 2 - centre), 0, room - size))
