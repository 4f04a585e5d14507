"""What a selector looked at before it chose, as a figure and as a few numbers."""

import math
from typing import NamedTuple

import plotly.graph_objects as go

from rs_core.errors import ParameterError
from rs_core.plots.style import BLUE, ORANGE, SIGMA_AXIS, frame_layout
from rs_core.plots.text import radius_text
from rs_core.results import Selection

_PATHS = ("gradient",)  # their candidates are steps of one path, not a range that was tried
_MOST_NUMBERS = 60


class _Trace(NamedTuple):
    x: tuple[float, ...]
    y: tuple[float, ...]
    hover: tuple[str, ...]
    chosen: tuple[float, float]


def search_trace(selection: Selection) -> go.Figure:
    """The candidates of one image: score against sigma, or sigma against the step of a path.

    Raises:
        ParameterError: the selector looked at no candidates.
    """
    path = selection.selector in _PATHS
    trace = _trace(selection)
    name = selection.selector.replace("_", " ")
    layout = frame_layout(
        title=f"How {name} searched",
        subtitle=f"{len(selection.candidates)} candidates, {selection.draws:,} draws that chose; "
        "none of them certifies",
        alt=f"Search of {name}: {len(trace.x)} candidates, chosen sigma {selection.sigma:.4g}.",
        x="step" if path else SIGMA_AXIS,
        y="σ (pixels in [0,1])" if path else "score (its own estimate)",
        height=340,
    )
    layout["xaxis"] |= {"rangemode": "tozero", "nticks": 8}
    return go.Figure(
        data=[
            go.Scatter(
                x=trace.x,
                y=trace.y,
                hovertext=trace.hover,
                hoverinfo="text",
                name="path of σ" if path else "candidates, ascending σ",
                mode="lines" if len(trace.x) > _MOST_NUMBERS else "lines+markers",
                line={"color": BLUE, "width": 2},
                marker={"symbol": "circle", "size": 6},
            ),
            go.Scatter(
                x=(trace.chosen[0],),
                y=(trace.chosen[1],),
                hovertext=(f"chosen: σ {selection.sigma:.4g}",),
                hoverinfo="text",
                name=f"chosen: σ {selection.sigma:.4g}",
                mode="markers",
                marker={"symbol": "star", "size": 15, "color": ORANGE},
                cliponaxis=False,
            ),
        ],
        layout=layout,
    )


def sparkline(selection: Selection) -> list[float]:
    """At most 60 numbers for a cell: the path's sigmas, or the scores by ascending sigma.

    Empty where the selector looked at no candidates.
    """
    if not selection.candidates:
        return []
    finite = [value for value in _trace(selection).y if math.isfinite(value)]
    step = max(math.ceil(len(finite) / _MOST_NUMBERS), 1)
    return [round(value, 5) for value in finite[::step]]


def _trace(selection: Selection) -> _Trace:
    if not selection.candidates:
        raise ParameterError(f"{selection.selector} looked at no candidates: there is no search.")
    if selection.selector in _PATHS:
        steps = tuple(float(k) for k in range(len(selection.candidates)))
        sigmas = tuple(sigma for sigma, _ in selection.candidates)
        hover = tuple(
            f"step {k}: σ {sigma:.4g}<br>soft radius {_score_text(score)}"
            for k, (sigma, score) in enumerate(selection.candidates)
        )
        return _Trace(steps, sigmas, hover, (float(len(steps)), selection.sigma))
    rows = sorted(selection.candidates)
    hover = tuple(f"σ {sigma:.4g}<br>score {_score_text(score)}" for sigma, score in rows)
    nearest = min(rows, key=lambda row: abs(row[0] - selection.sigma))
    return _Trace(
        tuple(sigma for sigma, _ in rows), tuple(score for _, score in rows), hover,
        (selection.sigma, nearest[1]),
    )  # fmt: skip


def _score_text(score: float) -> str:
    return radius_text(score) if math.isfinite(score) and score >= 0 else f"{score:.3g}"
