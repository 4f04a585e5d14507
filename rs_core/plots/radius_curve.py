"""Certified radius against sigma, with its ceiling, its abstentions and the live band."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from rs_core.plots.radius_points import Band, Points, RadiusInfo, radius_info
from rs_core.plots.style import (
    ABSTAIN,
    BADGES,
    GREY,
    NOTHING,
    SIGMA_AXIS,
    SKY,
    Style,
    frame_layout,
    series_style,
)
from rs_core.plots.text import chance_text, class_text, radius_text
from rs_core.results import RadiusCurve

_ZONE_FILL = "rgba(138,138,138,0.18)"
_BAND_FILL = "rgba(86,180,233,0.25)"
_CEILING = Style(GREY, "dash", "line-ew-open")


def radius_figure(
    curve: RadiusCurve, *, band: Band | None = None, class_names: Sequence[str] = ()
) -> go.Figure:
    """Certified radius against sigma: one line per certified class, abstentions at zero.

    Args:
        curve: may hold no certificates yet when a band is given.
        band: drawn at the sigmas that have no certificate yet. A certificate replaces the band,
            whichever looks better.
        class_names: one per class, for the legend and the hover text.

    Raises:
        ParameterError: nothing to draw, or radii in different norms.
    """
    info = radius_info(curve, band, class_names)
    layout = frame_layout(
        title="Certified radius at each noise level",
        subtitle=_subtitle(curve, band if info.band else None),
        alt=_alt(curve, info, class_names),
        x=SIGMA_AXIS,
        y=f"certified radius ({info.norm}, pixels in [0,1])",
    )
    layout["xaxis"] |= {"rangemode": "tozero", "nticks": 8}
    layout["yaxis"] |= {"range": [-0.04 * info.top, info.top], "nticks": 6, "zeroline": True}
    # Built in one go: a live figure is made every second, and plotly's updates are slow.
    figure = go.Figure(data=_traces(info), layout=layout)
    for index, (low, high) in enumerate(info.zones):
        figure.add_vrect(
            x0=low, x1=high, fillcolor=_ZONE_FILL, line_width=0, layer="below",
            name="abstain zone", showlegend=index == 0,
        )  # fmt: skip
    return figure


def _traces(info: RadiusInfo) -> list[go.Scatter]:
    traces = _band_traces(info.band, info.top) if info.band else []
    if info.ceiling:
        traces.append(_scatter(info.ceiling, _CEILING, mode="lines"))
    for index, points in enumerate(info.series):
        traces.append(_scatter(points, series_style(index), mode="lines+markers"))
    if info.abstain:
        traces.append(_scatter(info.abstain, ABSTAIN, mode="markers", size=10))
    if info.best:
        badge = BADGES["C"] if info.best.y[0] else NOTHING
        style = Style(badge.colour, "solid", badge.marker)
        traces.append(_scatter(info.best, style, mode="markers", size=17))
    return traces


def _scatter(
    points: Points, style: Style, *, mode: str, size: int = 8, **others: Any
) -> go.Scatter:
    return go.Scatter(
        x=points.x,
        y=points.y,
        name=points.name,
        hovertext=points.hover,
        hoverinfo="text",
        mode=mode,
        line={"color": style.colour, "dash": style.dash, "width": 2},
        marker={
            "color": style.colour,
            "symbol": style.marker,
            "size": size,
            "line": {"color": style.colour if "open" in style.marker else GREY, "width": 1},
        },
        connectgaps=False,
        cliponaxis=mode != "markers",
        **others,
    )


def _band_traces(band: tuple[Points, Points], top: float) -> list[go.Scatter]:
    lower, upper = band
    reached = upper._replace(y=tuple(top if r is None else r for r in upper.y))
    solid, dotted = Style(SKY, "solid", "circle"), Style(SKY, "dot", "circle")
    fill: dict[str, Any] = {"fill": "tonexty", "fillcolor": _BAND_FILL}
    return [
        _scatter(lower, solid, mode="lines+markers", size=5, showlegend=False),
        _scatter(reached, dotted, mode="lines", **fill),
    ]


def _subtitle(curve: RadiusCurve, band: Band | None) -> str:
    chance, count = chance_text(curve.alpha), len(curve.certificates)
    if band:
        joint = "together" if curve.simultaneous else "each alone"
        return (
            f"live: anytime-valid band ({joint}, probability >= {chance}); "
            f"{band.done:,} of {band.total:,} done"
        )
    if all(c.predicted is None for c in curve.certificates):
        return f"nothing certified: all {count} noise levels abstain"
    if curve.simultaneous:
        return (
            f"simultaneous: all {count} radii hold together with probability >= {chance} "
            f"(each at alpha/{count})"
        )
    return (
        f"pointwise: each radius alone with probability >= {chance}, "
        "but not the highest, picked afterwards"
    )


def _alt(curve: RadiusCurve, info: RadiusInfo, names: Sequence[str]) -> str:
    points = curve.certificates
    start = f"Line chart of certified {info.norm} radius against noise level sigma."
    if not points:
        return f"{start} Still running."
    silent = sum(c.predicted is None for c in points)
    abstaining = f"{silent} of {len(points)} noise levels abstain."
    top = max(points, key=lambda c: c.radius)
    if top.predicted is None:
        return f"{start} {abstaining}"
    return (
        f"{start} Largest radius {radius_text(top.radius)} at sigma {top.sigma:g}, "
        f"{class_text(top.predicted, names)}. {abstaining}"
    )
