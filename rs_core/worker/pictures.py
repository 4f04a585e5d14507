"""Bytes of a stranger's image become pixels here, and nowhere nearer to the pages."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from rs_core.assets import Sample, sample_path, samples
from rs_core.datasets import DATASETS, Dataset
from rs_core.errors import UnknownNameError
from rs_core.images import ImageInput, clean_name, image_from_decoded, wants_inversion
from rs_core.images.decoding import Decoded, decode_bytes
from rs_core.results import ModelSpec, from_json, to_json

SHOWN_SIDE = 256
THUMBNAIL_SIDE = 104
_THINNEST = 4


@dataclass(frozen=True, eq=False)
class Picture:
    """An image as the network sees it, and as its owner gave it.

    `original` is a small PNG of the upright source, a thin one on transparent ground; `inverted`
    says that a dark digit on bright paper was inverted and centred.
    """

    image: ImageInput
    original: bytes
    inverted: bool


def decode(
    data: bytes,
    spec: ModelSpec,
    *,
    name: str,
    label: int | None,
    invert: bool | None,
    read: Callable[[bytes, str], Decoded] = decode_bytes,
) -> Picture:
    """The picture of an image file's bytes, for a network.

    Args:
        data: content of the file.
        spec: of the network.
        name: for people.
        label: the true class, or None.
        invert: treat it as a dark digit on bright paper; None decides by the image's border,
            for networks that read digits.
        read: what decodes, e.g. a `Decoder`.

    Raises:
        ImageError: the bytes cannot become an image.
        ParameterError: the label is outside the classes.
    """
    shown = clean_name(name)
    decoded = read(data, shown)
    image = image_from_decoded(decoded, spec, label=label, name=shown, invert=invert)
    inverted = wants_inversion(decoded.pixels, spec, invert)
    return Picture(image, _small_png(decoded.pixels), inverted)


def picture_of_row(data: Dataset, row: int, spec: ModelSpec) -> Picture:
    """A row of a data set as a picture; its label is None for a network with other classes."""
    pixels = data.images[row]
    grey = pixels.shape[-1] == 1
    original = _small_png(pixels[..., 0] if grey else pixels)
    return Picture(data.image(row, spec), original, inverted=False)


def sample_data(name: str, spec: ModelSpec) -> tuple[bytes, int | None]:
    """A sample's bytes, and its true class where the network knows it.

    Raises:
        UnknownNameError: no sample has that name.
    """
    known = samples()
    if name not in known:
        raise UnknownNameError("sample image", name, known)
    return sample_path(name).read_bytes(), _true_class(known[name], spec)


def sample_thumbnail(name: str) -> str:
    """A sample's square PNG for a card, base64."""
    pixels = decode_bytes(sample_path(name).read_bytes(), name).pixels
    square = ImageOps.fit(Image.fromarray(pixels), (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return base64.b64encode(_png(square)).decode()


def picture_id(image: ImageInput) -> str:
    """32 hex digits of the pixels and of what was done to get them."""
    text = "\n".join((image.digest, *image.preprocessing))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def picture_json(picture: Picture) -> dict[str, Any]:
    """A picture as the store keeps it; `image_of` reads it."""
    original = base64.b64encode(picture.original).decode()
    image = to_json(picture.image)
    return {"image": image, "original": original, "inverted": picture.inverted}


def image_of(facts: dict[str, Any]) -> ImageInput:
    """The image in what the store keeps of a picture."""
    return from_json(ImageInput, facts["image"])


def _true_class(sample: Sample, spec: ModelSpec) -> int | None:
    for family, label in sample.labels.items():
        if family in DATASETS and DATASETS[family].class_names == spec.class_names:
            return label
    return None


def _small_png(pixels: np.ndarray) -> bytes:
    if pixels.dtype != np.uint8:
        pixels = np.rint(pixels * 255).astype(np.uint8)
    image = Image.fromarray(pixels)
    image.thumbnail((SHOWN_SIDE, SHOWN_SIDE), Image.Resampling.LANCZOS)
    narrowest = max(image.size) // _THINNEST
    if min(image.size) < narrowest:  # a page shows pictures at one width
        room = (max(image.width, narrowest), max(image.height, narrowest))
        image = ImageOps.pad(image.convert("RGBA"), room, color=(0, 0, 0, 0))
    return _png(image)


def _png(image: Image.Image) -> bytes:
    stored = BytesIO()
    image.save(stored, "PNG")
    return stored.getvalue()
