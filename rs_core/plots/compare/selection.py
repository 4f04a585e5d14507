"""One image's radius curve, and where each method put its sigma."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from rs_core.abstention import why_abstains
from rs_core.errors import ParameterError
from rs_core.plots.compare.points import FATES, fate_of, method_names
from rs_core.plots.radius_curve import radius_figure
from rs_core.plots.style import GREY, SIGMA_AXIS, BadgeStyle, certificate_badge, frame_layout
from rs_core.plots.text import class_text, plain, radius_text, tidy
from rs_core.results.comparison import Comparison

_ROW = 0.075  # of the axis, between two labels above the curve
_TURN = 0.45  # of the widest sigma: labels beyond it stand at the left of their leader


class Mark(NamedTuple):
    """What one method says of the image: its sigma, its certified radius, and in words."""

    name: str
    sigma: float
    radius: float
    badge: BadgeStyle
    hover: str


def selection_curve(
    comparison: Comparison, image: int, class_names: Sequence[str] = ()
) -> go.Figure:
    """The image's radius curve with each method's sigma and certified radius marked on it.

    A mark need not lie on the curve: its certificate has draws and a level of its own. Where the
    comparison holds no curves, the marks stand alone.

    Args:
        comparison: at least one method.
        image: its position in the comparison.
        class_names: one per class, for the legend and the hover text.

    Raises:
        ParameterError: no method, no such image, or names that do not fit.
    """
    marks = _marks(comparison, image, class_names)
    curve = comparison.curves[image] if comparison.curves else None
    below = radius_figure(curve, class_names=class_names) if curve else go.Figure()
    top = max([1.25 * m.radius for m in marks] + [_top(below)]) or 1.0
    high = top * (1 + _ROW * len(marks))
    ends = [m.sigma for m in marks] + ([c.sigma for c in curve.certificates] if curve else [])
    layout = frame_layout(
        title="Where each method put its sigma",
        subtitle=f"{tidy(comparison.names[image])}; "
        + (
            "the curve's maximum is the oracle, not a certificate"
            if curve
            else "no curve was asked for"
        ),
        alt=_alt(comparison.names[image], marks),
        x=SIGMA_AXIS,
        y="certified radius (l2, pixels in [0,1])",
        height=500,
    )
    layout["xaxis"] |= {"range": [0, 1.06 * max(ends)], "nticks": 8}
    layout["yaxis"] |= {"range": [-0.04 * high, high], "nticks": 6, "zeroline": True}
    layout["shapes"] = below.layout.shapes
    return go.Figure(data=[*below.data, *_traces(marks, top, high, max(ends))], layout=layout)


def _marks(comparison: Comparison, image: int, names: Sequence[str]) -> list[Mark]:
    if not comparison.methods:
        raise ParameterError("there is nothing to compare: give one method at least.")
    if not 0 <= image < len(comparison.names):
        raise ParameterError(
            f"image {image} is not there: the comparison holds {len(comparison.names)}."
        )
    marks = []
    for name, method in zip(method_names(comparison.methods), comparison.methods, strict=True):
        certificate = method.certificates[image]
        badge = certificate_badge(certificate)
        said = (
            f"abstains: {why_abstains(certificate)}"
            if certificate.predicted is None
            else f"{plain(class_text(certificate.predicted, names))}, radius "
            f"{radius_text(certificate.radius)} (rounded down)"
        )
        fate = FATES[fate_of(certificate, comparison.labels[image])]
        sigma = method.selections[image].sigma
        hover = f"<b>{plain(name)}</b>, σ {sigma:.4g}<br>{said}<br>{fate}<br>{badge.text}"
        marks.append(Mark(name, sigma, certificate.radius, badge, hover))
    return marks


def _top(figure: go.Figure) -> float:
    return float(figure.layout.yaxis.range[1]) if figure.data else 0.0


def _traces(marks: Sequence[Mark], top: float, high: float, widest: float) -> list[go.Scatter]:
    """A leader from each mark to a row of its own above the curve: labels never overlap."""
    traces = []
    right = sorted((m for m in marks if m.sigma <= _TURN * widest), key=lambda m: -m.sigma)
    left = sorted((m for m in marks if m.sigma > _TURN * widest), key=lambda m: m.sigma)
    for row, mark in enumerate([*right, *left]):
        height = top + (high - top) * (row + 0.4) / len(marks)
        traces.append(
            go.Scatter(
                x=(mark.sigma, mark.sigma),
                y=(mark.radius, height),
                mode="lines+markers+text",
                name=f"{mark.name}: {mark.badge.text}",
                text=("", f"{mark.badge.letter} {mark.name}".strip()),
                textposition="middle left" if mark.sigma > _TURN * widest else "middle right",
                hovertext=(mark.hover, mark.hover),
                hoverinfo="text",
                line={"color": GREY, "width": 1, "dash": "dot"},
                marker={
                    "symbol": (mark.badge.marker, "line-ns"),
                    "color": mark.badge.colour,
                    "size": (15, 6),
                    "line": {"color": GREY, "width": 1},
                },
                cliponaxis=False,
                showlegend=False,
            )
        )
    return traces


def _alt(name: str, marks: Sequence[Mark]) -> str:
    said = "; ".join(
        f"{m.name} sigma {m.sigma:.4g}, radius {radius_text(m.radius)}, {m.badge.text}"
        for m in marks
    )
    return f"Certified radius of {tidy(name)} against sigma, with each method's choice. {said}."
