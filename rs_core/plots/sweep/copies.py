"""The clean image and one noisy copy per sigma, side by side."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rs_core.errors import ParameterError
from rs_core.plots.style import frame

_COLUMNS = 4
_ROW_HEIGHT = 150


class _StripInfo(NamedTuple):
    captions: tuple[str, ...]
    images: tuple[np.ndarray, ...]  # uint8 (H, W, 3)


def noisy_copies_figure(
    pixels: np.ndarray, sigmas: Sequence[float], copies: np.ndarray
) -> go.Figure:
    """The image followed by one noisy copy per sigma; clipped to [0,1] for display only.

    Args:
        pixels: (C, H, W) in [0,1], C is 1 or 3.
        sigmas: (S,), pixels of [0,1].
        copies: (S, C, H, W), the noisy copies as the classifier saw them, any range.

    Raises:
        ParameterError: shapes that do not match, or values that are not finite.
    """
    return _figure(_info(np.asarray(pixels), sigmas, np.asarray(copies)))


def _info(pixels: np.ndarray, sigmas: Sequence[float], copies: np.ndarray) -> _StripInfo:
    if pixels.ndim != 3 or pixels.shape[0] not in (1, 3):
        raise ParameterError(f"the image has shape {pixels.shape}: give (1, H, W) or (3, H, W).")
    if copies.shape != (len(sigmas), *pixels.shape):
        raise ParameterError(
            f"copies have shape {copies.shape}: give one of shape {pixels.shape} for each of the "
            f"{len(sigmas)} sigmas."
        )
    if not (np.isfinite(pixels).all() and np.isfinite(copies).all()):
        raise ParameterError("the image or a copy holds NaN or infinite values: nothing to show.")
    return _StripInfo(
        captions=("clean", *(f"σ = {sigma:.3g}" for sigma in sigmas)),
        images=(_displayed(pixels), *(_displayed(copy) for copy in copies)),
    )


def _displayed(pixels: np.ndarray) -> np.ndarray:
    levels = np.rint(255 * np.clip(pixels, 0.0, 1.0)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(levels, (3, *levels.shape[1:])).transpose(1, 2, 0))


def _figure(info: _StripInfo) -> go.Figure:
    rows = math.ceil(len(info.images) / _COLUMNS)
    figure = make_subplots(
        rows=rows,
        cols=_COLUMNS,
        subplot_titles=info.captions,
        horizontal_spacing=0.02,
        vertical_spacing=0.25 / rows,
    )
    for index, image in enumerate(info.images):
        row, column = divmod(index, _COLUMNS)
        figure.add_trace(go.Image(z=image, hoverinfo="skip"), row=row + 1, col=column + 1)
    frame(
        figure,
        title="What the classifier sees",
        subtitle="noise is added in pixels of [0,1] and not clipped; clipped here for display only",
        alt=f"The clean image and {len(info.images) - 1} noisy copies: {', '.join(info.captions)}.",
        x="",
        y="",
        height=130 + rows * _ROW_HEIGHT,
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_annotations(font_size=12)
    return figure.update_layout(margin={"l": 8, "r": 8, "t": 122, "b": 8}, dragmode=False)
