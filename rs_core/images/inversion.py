"""Whether a picture of a digit is dark ink on bright paper, and what is done about it."""

import numpy as np

from rs_core.images.paper_digits import centred_digit, is_dark_on_bright, reads_digits
from rs_core.results import ModelSpec


def wants_inversion(pixels: np.ndarray, spec: ModelSpec, invert: bool | None) -> bool:
    """Whether pixels (H,W), (H,W,1) or (H,W,3) are inverted and centred for this network.

    `invert` None decides by the image's border, for networks that read digits; a network of
    colours never wants it.
    """
    if spec.input_shape[0] != 1 or invert is False:
        return False
    return invert is True or (reads_digits(spec) and is_dark_on_bright(_plain(pixels)))


def turned_as_asked(
    pixels: np.ndarray, spec: ModelSpec, invert: bool | None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The pixels, inverted and centred where that is wanted, and the notes that say so.

    A note also says where nothing was done although the image looks as if it were wanted.
    """
    if wants_inversion(pixels, spec, invert):
        return centred_digit(_plain(pixels), *spec.input_shape[1:])
    if invert is False and wants_inversion(pixels, spec, None):
        return pixels, ("dark on bright: not inverted",)
    return pixels, ()


def _plain(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., 0] if pixels.shape[2:] == (1,) else pixels
