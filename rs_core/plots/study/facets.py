"""Several small plots under each other that share their series, with error bars."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from rs_core.plots.style import frame_layout, series_style
from rs_core.plots.text import plain

_ROOM, _TOP, _EACH, _GAP = 220, 116, 300, 0.13  # the top holds the first facet's title, too


class Spot(NamedTuple):
    """One point of a series; errors are standard errors, 0 for none."""

    x: float
    y: float
    x_error: float
    y_error: float
    hover: str


class Series(NamedTuple):
    """A line of points; `place` decides its look, the same in every facet."""

    name: str
    place: int
    spots: tuple[Spot, ...]


class Facet(NamedTuple):
    """One plot of several."""

    title: str
    series: tuple[Series, ...]


def facets_figure(
    facets: Sequence[Facet],
    *,
    title: str,
    subtitle: str,
    alt: str,
    x: str,
    y: str,
    x_is_share: bool = False,
) -> go.Figure:
    """The facets from top to bottom, all over the same range of y; a legend entry per series.

    y is a share of 1, and so is x where `x_is_share` says it.
    """
    count = max(len(facets), 1)
    layout = frame_layout(
        title=title, subtitle=subtitle, alt=alt, x=x, y=y, height=_ROOM + _EACH * count
    )
    layout["margin"] |= {"t": _TOP}
    spots = [spot for facet in facets for series in facet.series for spot in series.spots]
    axes = (
        layout.pop("xaxis") | {"nticks": 8, "matches": "x"},
        layout.pop("yaxis") | _shares([(spot.y, spot.y_error) for spot in spots]),
    )
    if x_is_share:
        axes[0].update(_shares([(spot.x, spot.x_error) for spot in spots]))
    gap = _GAP / count * 1.5 if count > 1 else 0.0
    size = (1 - gap * (count - 1)) / count
    named: set[str] = set()
    traces, titles = [], []
    for row in range(count):
        end = "" if row == 0 else str(row + 1)
        top = 1 - row * (size + gap)
        layout[f"xaxis{end}"] = {**axes[0], "anchor": f"y{end}"}
        layout[f"yaxis{end}"] = {
            **axes[1], "anchor": f"x{end}", "domain": [max(top - size, 0.0), top],
        }  # fmt: skip
        if row < count - 1:
            layout[f"xaxis{end}"]["title"] = None
        for series in facets[row].series if facets else ():
            traces.append(_trace(series, end, shown=series.name not in named))
            named.add(series.name)
        titles.append(_heading(facets[row].title if facets else "", top))
    layout["annotations"] = titles
    return go.Figure(data=traces, layout=layout)


def _shares(bars: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """An axis of shares and their errors: from a little below the lowest, in steps of 5 %."""
    low = min((share - error for share, error in bars), default=0.0)
    high = max((share + error for share, error in bars), default=1.0)
    reach = [
        max(math.floor(20 * low - 0.5) / 20, -0.03),
        min(math.ceil(20 * high) / 20, 1.0) + 0.02,
    ]
    axis = {"range": reach, "tickformat": ".3~p", "nticks": 6}
    # Finer ticks than 5 % would stand below 0 and above 100 %.
    return {**axis, "dtick": 0.05} if reach[1] - reach[0] < 0.3 else axis


def _heading(text: str, top: float) -> dict[str, Any]:
    return {
        "text": plain(text), "x": 0, "xref": "paper", "xanchor": "left", "y": top, "yref": "paper",
        "yanchor": "bottom", "showarrow": False, "font": {"size": 13},
    }  # fmt: skip


def _trace(series: Series, end: str, *, shown: bool) -> go.Scatter:
    style = series_style(series.place)
    spots = series.spots
    return go.Scatter(
        x=[spot.x for spot in spots],
        y=[spot.y for spot in spots],
        error_x=_bars([spot.x_error for spot in spots]),
        error_y=_bars([spot.y_error for spot in spots]),
        name=plain(series.name),
        legendgroup=series.name,
        showlegend=shown,
        mode="lines+markers",
        hovertext=[spot.hover for spot in spots],
        hoverinfo="text",
        line={"color": style.colour, "dash": style.dash, "width": 2},
        marker={"color": style.colour, "symbol": style.marker, "size": 8},
        xaxis=f"x{end}",
        yaxis=f"y{end}",
        cliponaxis=False,
    )


def _bars(errors: list[float]) -> dict[str, Any]:
    return {"type": "data", "array": errors, "thickness": 1, "width": 3, "visible": any(errors)}
