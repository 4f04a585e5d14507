"""Certified radii of a few images as the network learns, with the band that is honest."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from rs_core.errors import ParameterError
from rs_core.plots.style import GREY, Style, frame_layout, series_style
from rs_core.plots.text import chance_text, class_text, plain, radius_text, tidy
from rs_core.plots.train.curves import EPOCH_AXIS, epoch_axis
from rs_core.results.training import Course, Probe, ProbePoint
from rs_core.statistics import ceil_digits, radius_ceiling

_LONGEST = 24
_WRONG = "x"
_EDGED = {"size": 9, "line": {"color": GREY, "width": 1}}


class _Curve(NamedTuple):
    name: str
    x: tuple[int, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    right: tuple[bool, ...]
    hover: tuple[str, ...]


def probe_radii_figure(
    course: Course, class_names: Sequence[str] = (), *, band_of: int | None = None
) -> go.Figure:
    """Certified radius of each probe after each epoch; a cross where its class is not the true one.

    Args:
        course: may hold no epoch yet.
        class_names: one per class, for the hover text.
        band_of: which probe's band is drawn from its certified to its largest possible radius;
            the bands of all would hide each other.

    Raises:
        ParameterError: no image was named.
    """
    curves, ceiling = _curves(course, class_names), ceiling_of(course)
    traces = [] if band_of is None else _band(band_of, curves[band_of], ceiling)
    traces += [_scatter(k, curve) for k, curve in enumerate(curves)]
    traces += _legend(curves)
    traces.append(_ceiling(course, ceiling))
    points = 2 * len(curves) * course.planned
    layout = frame_layout(
        title="Certified radii while it learns",
        subtitle=f"σ {course.sigma:g}, {course.n:,} copies a point; all {points:,} ends hold "
        f"together, probability >= {chance_text(course.alpha)}",
        alt=_alt(course, curves),
        x=EPOCH_AXIS,
        y="certified radius (l2, pixels in [0,1])",
        height=480,
    )
    layout["xaxis"] |= epoch_axis(course)
    layout["legend"] |= {"traceorder": "normal"}  # a band turns it round
    layout["yaxis"] |= {"range": [-0.05 * ceiling, 1.12 * ceiling], "nticks": 6, "zeroline": True}
    return go.Figure(data=traces, layout=layout)


def ceiling_of(course: Course) -> float:
    """The largest radius that any point can have: all n copies alike, at its part of alpha."""
    return float(radius_ceiling(course.sigma, course.n, end_alpha(course)))


def end_alpha(course: Course) -> float:
    """The error of one end of one point's band: two ends, every probe, every planned epoch."""
    return course.alpha / (2 * max(len(course.probes), 1) * max(course.planned, 1))


def _curves(course: Course, names: Sequence[str]) -> tuple[_Curve, ...]:
    if not course.probes:
        raise ParameterError("no image is followed: name one at least when the training starts.")
    return tuple(_curve(k, probe, names) for k, probe in enumerate(course.probes))


def _curve(index: int, probe: Probe, names: Sequence[str]) -> _Curve:
    name = tidy(probe.name)
    # The end of a long name is what tells images of one set apart.
    short = name if len(name) <= _LONGEST else f"{name[:9]}…{name[10 - _LONGEST :]}"
    points = probe.points
    return _Curve(
        name=f"{index + 1}: {short}",
        x=tuple(point.epoch for point in points),
        lower=tuple(point.lower for point in points),
        upper=tuple(point.most for point in points),
        right=tuple(
            None in (probe.label, p.predicted) or p.predicted == probe.label for p in points
        ),
        hover=tuple(_said(name, probe, point, names) for point in points),
    )


def _said(name: str, probe: Probe, point: ProbePoint, names: Sequence[str]) -> str:
    lines = [f"<b>{plain(name)}</b>, epoch {point.epoch}"]
    if point.predicted is None:
        lines.append("abstains: nothing is certified")
    else:
        lines.append(f"{plain(class_text(point.predicted, names))}, radius at least")
        lines[-1] += f" {radius_text(point.lower)} (rounded down)"
        if probe.label not in (None, point.predicted):
            lines.append(f"wrong: it is {plain(class_text(probe.label, names))}")
    more = "no limit seen" if math.isnan(point.most) else f"at most {ceil_digits(point.most, 3)}"
    return "<br>".join([*lines, f"more copies could certify: {more}"])


def _scatter(index: int, curve: _Curve) -> go.Scatter:
    style = series_style(index)
    return go.Scatter(
        x=curve.x,
        y=curve.lower,
        name=plain(curve.name),
        hovertext=curve.hover,
        hoverinfo="text",
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": 2},
        marker={
            "color": style.colour,
            "symbol": [style.marker if right else _WRONG for right in curve.right],
            **_EDGED,
        },
        cliponaxis=False,
        legendgroup=str(index),
        showlegend=False,
    )


def _legend(curves: Sequence[_Curve]) -> list[go.Scatter]:
    """Entries for the curves and the crosses; plotly's own would show each curve's first mark."""
    styles = [series_style(k) for k in range(len(curves))]
    entries = [
        go.Scatter(
            x=(None,), y=(None,), name=plain(curve.name), legendgroup=str(k), mode="lines+markers",
            line={"color": style.colour, "dash": style.dash, "width": 2},
            marker={"color": style.colour, "symbol": style.marker, **_EDGED},
        )
        for k, (curve, style) in enumerate(zip(curves, styles, strict=True))
    ]  # fmt: skip
    if not all(all(curve.right) for curve in curves):
        mark = {"color": GREY, "symbol": _WRONG, **_EDGED}
        entries.append(
            go.Scatter(x=(None,), y=(None,), name="a wrong class", mode="markers", marker=mark)
        )
    return entries


def _band(index: int, curve: _Curve, top: float) -> list[go.Scatter]:
    """From what is certified to what more copies could certify; open ends reach the frame."""
    style = series_style(index)
    red, green, blue = (int(style.colour[k : k + 2], 16) for k in (1, 3, 5))
    reached = [1.12 * top if math.isnan(u) else min(u, 1.12 * top) for u in curve.upper]
    edge = {"x": curve.x, "mode": "lines", "hoverinfo": "skip", "line": {"width": 0}}
    return [
        go.Scatter(**edge, y=curve.lower, showlegend=False),
        go.Scatter(
            **edge,
            y=reached,
            name=f"band of {plain(curve.name)}",
            fill="tonexty",
            fillcolor=f"rgba({red},{green},{blue},0.22)",
        ),
    ]


def _ceiling(course: Course, ceiling: float) -> go.Scatter:
    style = Style(GREY, "dash", "line-ew-open")
    left, right = epoch_axis(course)["range"]
    return go.Scatter(
        x=(left, right),
        y=(ceiling, ceiling),
        name=f"ceiling: all {course.n:,} copies alike",
        hoverinfo="skip",
        mode="lines",
        line={"color": style.colour, "dash": style.dash, "width": 1.5},
    )


def _alt(course: Course, curves: Sequence[_Curve]) -> str:
    if not curves[0].x:
        return f"Certified radii of {len(curves)} images: no epoch is done yet."
    said = "; ".join(
        f"{curve.name} {radius_text(curve.lower[0])} then {radius_text(curve.lower[-1])}"
        + ("" if curve.right[-1] else ", wrong class")
        for curve in curves
        if curve.x
    )
    return (
        f"Certified radii after epochs {curves[0].x[0]} to {curves[0].x[-1]} of "
        f"{course.planned}, first and last: {said}."
    )
