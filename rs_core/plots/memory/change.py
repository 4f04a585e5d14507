"""What two arrangements of the same points have in common: each radius before and after."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from rs_core.plots.memory.text import change_summary, label_text
from rs_core.plots.style import BLUE, GREY, PURPLE, VERMILION, Style, frame
from rs_core.plots.text import plain, radius_text
from rs_core.results.arrangement import Arrangement, Points, moved

_LOOKS = {
    "grows": Style(BLUE, "solid", "triangle-up"),
    "shrinks": Style(VERMILION, "dash", "triangle-down"),
    "other answer": Style(PURPLE, "dashdot", "diamond"),
    "stays": Style(GREY, "dot", "circle"),
}


class Slope(NamedTuple):
    """One point: its radii, and how they differ."""

    point: int
    before: float
    after: float
    change: str
    hover: str


def order_change_figure(
    points: Points,
    before: Arrangement,
    after: Arrangement,
    class_names: Sequence[str] = (),
    titles: tuple[str, str] = ("before", "after"),
) -> go.Figure:
    """A line per point from its radius under one arrangement to that under the other.

    Args:
        points: of both arrangements.
        before, after: the arrangements; a point that only one holds is left out.
        class_names: one per class; empty for numbers alone.
        titles: of the two ends.
    """
    slopes = order_slopes(points, before, after, class_names)
    left, right = (plain(title) for title in titles)
    if left == right:
        left, right = f"{left} (left)", f"{right} (right)"
    figure = go.Figure()
    for change, style in _LOOKS.items():
        group = [slope for slope in slopes if slope.change == change]
        if group:
            figure.add_trace(
                go.Scatter(
                    x=[value for _ in group for value in (left, right, None)],
                    y=[value for s in group for value in (s.before, s.after, None)],
                    hovertext=[text for s in group for text in (s.hover, s.hover, "")],
                    hoverinfo="text",
                    name=f"{change}: {len(group)}",
                    mode="lines+markers",
                    line={"color": style.colour, "dash": style.dash, "width": 2},
                    marker={"color": style.colour, "symbol": style.marker, "size": 10},
                )
            )
    return frame(
        figure,
        title="What changes",
        subtitle=change_summary(before, after),
        alt=f"Radii under two arrangements. {change_summary(before, after)}",
        x="",
        y="radius (pixels of [0,1])",
    )


def order_slopes(
    points: Points, before: Arrangement, after: Arrangement, names: Sequence[str]
) -> tuple[Slope, ...]:
    """The lines of the figure, as plain values."""
    old = {ball.point: ball for ball in before.balls}
    new = {ball.point: ball for ball in after.balls if ball.point in old}
    differs = set(moved(before, after))
    slopes = []
    for k in sorted(new):
        one, two = old[k], new[k]
        grows = "grows" if two.radius > one.radius else "shrinks"
        change = (
            "stays" if k not in differs else "other answer" if one.label != two.label else grows
        )
        hover = f"{points.names[k]}: {label_text(one.label, names)} {radius_text(one.radius)} → "
        hover += f"{label_text(two.label, names)} {radius_text(two.radius)}"
        slopes.append(Slope(k, one.radius, two.radius, change, plain(hover)))
    return tuple(slopes)
