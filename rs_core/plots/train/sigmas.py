"""The sigmas that a training gives its images: a histogram that moves from epoch to epoch."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from rs_core.errors import ParameterError
from rs_core.plots.style import frame_layout, series_style
from rs_core.results.training import Course, Epoch, SigmaSpread

_FIRST, _NOW = 1, 0  # series


def epochs_with_sigmas(course: Course) -> tuple[int, ...]:
    """Numbers of the epochs after which the images had sigmas of their own."""
    return tuple(epoch.epoch for epoch in course.epochs if epoch.sigmas is not None)


def sigmas_figure(course: Course, epoch: int) -> go.Figure:
    """How many images have which sigma after an epoch, the first such epoch as a line beside it.

    Raises:
        ParameterError: images had no sigmas of their own after it.
    """
    known = {one.epoch: one for one in course.epochs if one.sigmas is not None}
    if epoch not in known:
        raise ParameterError(f"after epoch {epoch} no image had a sigma of its own.")
    first, now = known[min(known)], known[epoch]
    assert now.sigmas is not None
    spread = now.sigmas
    layout = frame_layout(
        title="Sigma of each training image",
        subtitle=f"after epoch {epoch}: mean {spread.mean:.3g}, {spread.levels:,} different; "
        f"from {spread.low:.3g} to {spread.high:.3g}",
        alt=f"Histogram of {sum(spread.counts):,} images' sigmas after epoch {epoch}: mean "
        f"{spread.mean:.3g}, smallest {spread.smallest[0][1]:.3g}, largest "
        f"{spread.largest[0][1]:.3g}.",
        x="σ [pixels of 0..1]",
        y="training images",
        height=360,
    )
    layout["yaxis"] |= {"rangemode": "tozero"}
    layout["bargap"] = 0.05
    data: list[Any] = [_bars(now)]
    if first is not now:
        data.append(_steps(first))
    return go.Figure(data=data, layout=layout)


def _middles(spread: SigmaSpread) -> list[float]:
    width = (spread.high - spread.low) / len(spread.counts)
    return [spread.low + (k + 0.5) * width for k in range(len(spread.counts))]


def _bars(epoch: Epoch) -> go.Bar:
    assert epoch.sigmas is not None
    return go.Bar(
        x=_middles(epoch.sigmas),
        y=epoch.sigmas.counts,
        name=f"after epoch {epoch.epoch}",
        hovertext=_hover(epoch.sigmas),
        hoverinfo="text",
        marker={"color": series_style(_NOW).colour},
        showlegend=True,
    )


def _steps(epoch: Epoch) -> go.Scatter:
    assert epoch.sigmas is not None
    style = series_style(_FIRST)
    return go.Scatter(
        x=_middles(epoch.sigmas),
        y=epoch.sigmas.counts,
        name=f"after epoch {epoch.epoch}",
        mode="lines",
        line={"color": style.colour, "dash": style.dash, "shape": "hvh", "width": 2},
        hoverinfo="skip",
        showlegend=True,
    )


def _hover(spread: SigmaSpread) -> Sequence[str]:
    half = (spread.high - spread.low) / len(spread.counts) / 2
    ends = [(middle - half, middle + half) for middle in _middles(spread)]
    return [
        f"{count:,} images<br>σ {low:.3g} to {high:.3g}"
        for count, (low, high) in zip(spread.counts, ends, strict=True)
    ]
