"""Files, Pillow images and arrays become the `ImageInput` that a network is asked about.

A certificate concerns exactly these pixels at the network's input size. Decoding, EXIF
orientation, transparency, cropping and resizing lie outside it, which is why each of them is
written into `preprocessing`.
"""

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from hashlib import blake2b

import numpy as np
from PIL import Image

from rs_core.errors import ImageError, ParameterError
from rs_core.images.decoding import (
    Decoded,
    decode_bytes,
    decode_picture,
    read_file,
)
from rs_core.images.fitting import fitted
from rs_core.images.inversion import turned_as_asked
from rs_core.images.pixels import check_floats, check_size
from rs_core.pixel_grid import snapped
from rs_core.results import ModelSpec

MAX_NAME = 80
SNAPPED = "pixels moved by at most 2e-6, to the nearest 1/1024 of an 8-bit level"

ImageSource = str | os.PathLike[str] | bytes | Image.Image | np.ndarray


@dataclass(frozen=True, eq=False)
class ImageInput:
    """One image as the network sees it; its pixels cannot be written to.

    Fields:
        pixels: float32 (C,H,W) in [0,1]; k/255 for every 8-bit source. Others are moved to the
            grid on which noise is added (`rs_core.pixel_grid`), by 1.92e-6 at most, and noted.
        label: the true class, or None.
        name: a base name for people, at most `MAX_NAME` characters; never a path.
        digest: 16-byte blake2b of shape and pixels, hex; worked out here, whatever is given.
        preprocessing: what was done to the source, sentences in order; empty for nothing.
        original_size: (width, height) of the upright source.

    Raises:
        ImageError: the pixels are no such array, or hold NaN, infinities or values outside [0,1].
    """

    pixels: np.ndarray = field(repr=False)
    label: int | None
    name: str
    digest: str
    preprocessing: tuple[str, ...]
    original_size: tuple[int, int]

    def __post_init__(self) -> None:
        pixels = self.pixels
        if not isinstance(pixels, np.ndarray) or pixels.ndim != 3 or pixels.dtype.kind != "f":
            raise ImageError(
                f"{self.name}: its pixels are no float array (C,H,W): load it with load_image, or "
                "image_from_array."
            )
        check_size(pixels.shape[2], pixels.shape[1], self.name)
        check_floats(pixels, self.name)
        moved = snapped(pixels)
        if not np.array_equal(moved, np.asarray(pixels, dtype=np.float32)):
            object.__setattr__(self, "preprocessing", (*self.preprocessing, SNAPPED))
        # Bytes stay read-only, whatever flag is set on an array over them.
        held = np.frombuffer(np.ascontiguousarray(moved, dtype="<f4").tobytes(), dtype="<f4")
        object.__setattr__(self, "pixels", held.reshape(pixels.shape))
        object.__setattr__(self, "digest", _digest(self.pixels))

    def __reduce__(self) -> tuple[type["ImageInput"], tuple[object, ...]]:
        # Copies and pickles are made anew: numpy would give them pixels that can be written to.
        return type(self), tuple(getattr(self, part.name) for part in fields(self))


def load_image(
    source: ImageSource,
    spec: ModelSpec,
    *,
    label: int | None = None,
    name: str | None = None,
    invert: bool | None = False,
) -> ImageInput:
    """The image at the network's input shape, with every change noted.

    Args:
        source: path, file bytes, Pillow image, or array (H,W), (H,W,1) or (H,W,3): uint8, or
            float in [0,1]. A `str` is a path.
        spec: its `input_shape` and `class_names` are used.
        label: the true class, 0 <= label < number of classes.
        name: for people; the file's base name by default.
        invert: treat it as a dark digit on bright paper: inverted, centred as in MNIST; None
            decides by its border, for networks that read digits. Where False leaves a picture
            as it is that None would invert, a note says so; arrays get no such note.

    Raises:
        ImageError: the source cannot become an image; the sentence says why.
        ParameterError: the label is outside the classes, or `spec` is no `ModelSpec`.
    """
    _check_spec(spec)
    shown = clean_name(_own_name(source) if name is None else name)
    if isinstance(source, np.ndarray):
        # Whoever gives an array has decided what its pixels mean: no note says otherwise.
        decoded = Decoded(_checked_array(source, shown), ())
        if invert is False:
            return _finish(decoded.pixels, (), spec, label, shown)
    elif isinstance(source, Image.Image):
        decoded = decode_picture(source, shown)
    elif isinstance(source, bytes):
        decoded = decode_bytes(source, shown)
    elif isinstance(source, str | os.PathLike):
        decoded = decode_bytes(read_file(source, shown), shown)
    else:
        raise ImageError(
            f"{type(source).__name__} is not an image source: give a path, the bytes of a file, "
            "a Pillow image or a numpy array."
        )
    return image_from_decoded(decoded, spec, label=label, name=shown, invert=invert)


def image_from_decoded(
    decoded: Decoded, spec: ModelSpec, *, label: int | None, name: str, invert: bool | None
) -> ImageInput:
    """The image of decoded pixels; the arguments are those of `load_image`."""
    pixels, notes = turned_as_asked(decoded.pixels, spec, invert)
    image = _finish(pixels, (*decoded.notes, *notes), spec, label, name)
    return replace(image, original_size=(decoded.pixels.shape[1], decoded.pixels.shape[0]))


def image_from_array(
    pixels: np.ndarray, spec: ModelSpec, *, label: int | None = None, name: str = "array"
) -> ImageInput:
    """The image of an array (H,W), (H,W,1) or (H,W,3): uint8, or float in [0,1].

    Float arrays of the network's own size are moved to the nearest grid points, which is noted;
    others are rounded to 8 bits before they are resized.

    Raises:
        ImageError: another shape or dtype, NaN, infinities, values outside [0,1], no pixels.
        ParameterError: the label is outside the classes, or `spec` is no `ModelSpec`.
    """
    _check_spec(spec)
    shown = clean_name(name)
    return _finish(_checked_array(pixels, shown), (), spec, label, shown)


def _checked_array(pixels: np.ndarray, shown: str) -> np.ndarray:
    """The array, floats as float32, if it can be an image."""
    if not isinstance(pixels, np.ndarray):
        raise ImageError(f"{shown} is a {type(pixels).__name__}: give a numpy array.")
    channels_last = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (1, 3))
    if not channels_last:
        raise ImageError(
            f"{shown} has shape {pixels.shape}: give (H,W), (H,W,1) or (H,W,3), channels last."
        )
    check_size(pixels.shape[1], pixels.shape[0], shown)
    if pixels.dtype.kind == "f":
        check_floats(pixels, shown)
        return pixels.astype(np.float32)
    if pixels.dtype != np.uint8:
        raise ImageError(
            f"{shown} has dtype {pixels.dtype}: give uint8 from 0 to 255, or float from 0 to 1."
        )
    return pixels


def clean_name(name: str) -> str:
    """A name safe to show: base name, no control or direction characters, at most 80."""
    base = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    # Categories C* hold control, surrogate and direction-changing characters, Zl/Zp new lines.
    kept = "".join(c if not _is_hidden(c) else " " for c in base)
    short = " ".join(kept.split())[:MAX_NAME].strip()
    return "image" if short in ("", ".", "..") else short


def _is_hidden(character: str) -> bool:
    category = unicodedata.category(character)
    return category.startswith("C") or category in ("Zl", "Zp")


def _own_name(source: object) -> str:
    return str(source) if isinstance(source, str | os.PathLike) else "image"


def _finish(
    pixels: np.ndarray, notes: Iterable[str], spec: ModelSpec, label: int | None, name: str
) -> ImageInput:
    label = _checked_label(label, spec)
    original = (pixels.shape[1], pixels.shape[0])
    shaped, fit_notes = fitted(pixels, spec.input_shape)
    scaled = shaped.astype(np.float32)
    if shaped.dtype == np.uint8:
        scaled /= np.float32(255)
    planes = np.ascontiguousarray(scaled.reshape(*spec.input_shape[1:], -1).transpose(2, 0, 1))
    said = (*notes, *fit_notes, *_emptiness(planes))
    return ImageInput(planes, label, name, "", said, original)


def _emptiness(planes: np.ndarray) -> tuple[str, ...]:
    """A word where nothing is left to see in pixels (C,H,W)."""
    if np.ptp(planes, axis=(1, 2)).any():
        return ()
    return ("warning: every pixel has the same colour: there is nothing to see",)


def _check_spec(spec: ModelSpec) -> None:
    if not isinstance(spec, ModelSpec):
        raise ParameterError(
            f"spec is a {type(spec).__name__}: give the network's ModelSpec, e.g. classifier.spec."
        )


def _checked_label(label: int | None, spec: ModelSpec) -> int | None:
    if label is None:
        return None
    classes = len(spec.class_names)
    if isinstance(label, bool) or not isinstance(label, int | np.integer):
        raise ParameterError(f"label={label!r} is not a class number: give 0 to {classes - 1}.")
    if not 0 <= label < classes:
        raise ParameterError(
            f"label={label} is outside the {classes} classes of {spec.name}: give 0 to "
            f"{classes - 1}, or none."
        )
    return int(label)


def _digest(planes: np.ndarray) -> str:
    hashed = blake2b(np.asarray(planes.shape, dtype="<i8").tobytes(), digest_size=16)
    hashed.update(planes.astype("<f4").tobytes())
    return hashed.hexdigest()
