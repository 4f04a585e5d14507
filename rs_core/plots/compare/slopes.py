"""Radius by method, one line per image; badges stand apart, and no line leads from one to another.

A line between two badges would read as a ranking of claims that are not comparable.
"""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from rs_core.errors import ParameterError
from rs_core.plots.compare.points import FATES, ORACLE, Dot, Fate, Group, slope_groups
from rs_core.plots.style import (
    BADGES,
    BLUE,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Style,
    frame_layout,
)
from rs_core.plots.text import radius_text
from rs_core.results import Badge
from rs_core.results.comparison import Comparison

_LOOKS: dict[Fate, Style] = {
    "right": Style(BLUE, "solid", "circle"),
    "certified": Style(SKY, "solid", "square"),
    "wrong": Style(VERMILION, "solid", "x"),
    "abstains": Style(GREY, "solid", "circle-open"),
}
_LINE = "rgba(138,138,138,0.35)"
_ORACLE_LOOK = Style(PURPLE, "solid", "diamond-open")
_MANY = 40


def slope_chart(comparison: Comparison, class_names: Sequence[str] = ()) -> go.Figure:
    """Certified radius by method: a thin line per image, the median bold, one block per badge.

    Certified with the right class, with a wrong one, and abstentions (at 0) have markers of their
    own. The median counts a wrong class and an abstention as 0. The oracle stands apart at the
    right: the largest radius of each image's curve, seen afterwards.

    Args:
        comparison: at least one method and one image.
        class_names: one per class, for the hover text.

    Raises:
        ParameterError: no method or no image, or radii in different norms.
    """
    norm = _norm(comparison)
    groups = slope_groups(comparison, class_names)
    dots = [dot for group in groups for row in group.dots for dot in row]
    top = 1.12 * max(dot.y for dot in dots) or 1.0
    layout = frame_layout(
        title="Certified radius by method",
        subtitle="one line per image; different badges claim different things: do not compare them",
        alt=_alt(groups, norm, len(comparison.names)),
        x="",
        y=f"certified radius ({norm}, pixels in [0,1])",
        height=600,
    )
    layout["xaxis"] |= _axis(groups)
    layout["yaxis"] |= {"range": [-0.05 * top, 1.12 * top], "nticks": 6, "zeroline": True}
    layout["shapes"] = [_border(groups, k) for k in range(1, len(groups))]
    return go.Figure(data=_traces(groups, 1.04 * top), layout=layout)


def _norm(comparison: Comparison) -> str:
    norms = {c.norm for method in comparison.methods for c in method.certificates}
    if not norms:
        raise ParameterError("there is nothing to compare: give one method and one image at least.")
    if len(norms) > 1:
        raise ParameterError(f"radii in {' and '.join(sorted(norms))}: draw one norm at a time.")
    return norms.pop()


def _axis(groups: Sequence[Group]) -> dict[str, Any]:
    names = [n for g in groups for n in g.names]
    return {
        "tickvals": [x for g in groups for x in g.places],
        "ticktext": [n.replace(", ", ",<br>") for n in names],
        "range": [-0.9, groups[-1].places[-1] + 0.9],
        "showgrid": False,
        "zeroline": False,
    }


def _border(groups: Sequence[Group], k: int) -> dict[str, Any]:
    middle = (groups[k - 1].places[-1] + groups[k].places[0]) / 2
    return {
        "type": "line", "x0": middle, "x1": middle, "y0": 0, "y1": 1, "yref": "paper",
        "line": {"color": GREY, "dash": "dot", "width": 1},
    }  # fmt: skip


def _traces(groups: Sequence[Group], heading: float) -> list[go.Scatter]:
    own = [g for g in groups if g.badge]
    traces = [_lines(g) for g in own if len(g.places) > 1]
    dots = [dot for g in own for row in g.dots for dot in row]
    for fate, look in _LOOKS.items():
        found = [dot for dot in dots if dot.fate == fate]
        if found:
            traces.append(_dots(found, FATES[fate], look, len(dots)))
    oracle = [dot for g in groups if not g.badge for dot in g.dots[0]]
    if oracle:
        traces.append(_dots(oracle, ORACLE, _ORACLE_LOOK, len(dots)))
    traces += [_median(g, index == 0) for index, g in enumerate(groups)]
    return traces + [_heading(g, g.badge, heading) for g in own if g.badge]


def _lines(group: Group) -> go.Scatter:
    """All images' lines in one trace, None between them: a trace each would be slow."""
    x: list[float | None] = []
    y: list[float | None] = []
    for path in zip(*group.dots, strict=True):
        x += [*(dot.x for dot in path), None]
        y += [*(dot.y for dot in path), None]
    return go.Scatter(
        x=x, y=y, mode="lines", line={"color": _LINE, "width": 1}, hoverinfo="skip",
        showlegend=False, name="images",
    )  # fmt: skip


def _dots(dots: Sequence[Dot], name: str, look: Style, count: int) -> go.Scatter:
    return go.Scatter(
        x=[d.x for d in dots],
        y=[d.y for d in dots],
        name=name,
        mode="markers",
        hovertext=[d.hover for d in dots],
        hoverinfo="text",
        marker={
            "color": look.colour,
            "symbol": look.marker,
            "size": 8 if count < _MANY else 5,
            "opacity": 1 if count < _MANY else 0.75,
        },
        cliponaxis=False,
    )


def _median(group: Group, first: bool) -> go.Scatter:
    """A bold line through the block; a bold tick where the block has one method."""
    alone = len(group.places) == 1
    places = (group.places[0] - 0.3, group.places[0] + 0.3) if alone else group.places
    medians = group.medians * 2 if alone else group.medians
    return go.Scatter(
        x=places,
        y=medians,
        name="median (a wrong class and an abstention count 0)",
        mode="lines" if alone else "lines+markers",
        line={"color": ORANGE if group.badge else PURPLE, "width": 4},
        marker={"symbol": "line-ew", "size": 14, "line": {"width": 4, "color": ORANGE}},
        hovertext=[f"median {radius_text(m)}" for m in medians],
        hoverinfo="text",
        legendgroup="median",
        showlegend=first,
    )


def _heading(group: Group, letter: Badge, height: float) -> go.Scatter:
    badge = BADGES[letter]
    return go.Scatter(
        x=[(group.places[0] + group.places[-1]) / 2],
        y=[height],
        mode="markers+text",
        marker={"symbol": badge.marker, "color": badge.colour, "size": 13},
        text=[badge.text],
        textposition="top center",
        hoverinfo="skip",
        showlegend=False,
        cliponaxis=False,
        name=badge.text,
    )


def _alt(groups: Sequence[Group], norm: str, images: int) -> str:
    parts = [f"Slope chart of the certified {norm} radius of {images} images by method."]
    for group in groups:
        title = BADGES[group.badge].text if group.badge else "Apart"
        said = ", ".join(
            f"{name} {radius_text(median)}"
            for name, median in zip(group.names, group.medians, strict=True)
        )
        parts.append(f"{title}: median {said}.")
    return " ".join(parts)
