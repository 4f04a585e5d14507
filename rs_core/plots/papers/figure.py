"""Certified accuracy against radius: ours as lines, published rows as points of the same colour."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

import plotly.graph_objects as go

from rs_core.plots.style import frame_layout, series_style
from rs_core.plots.text import plain
from rs_core.results.paper import STEP, OracleRow, RepeatedRow, RepeatedTable

_TOGETHER = 6  # rows of one figure: more lines could not be told apart
_TINY = "no image is certified"


class Curve(NamedTuple):
    """One row: its curve, averaged over seeds, and the points of each published row beside it."""

    name: str
    radii: tuple[float, ...]
    accuracies: tuple[float, ...]
    published: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]


class CurvesInfo(NamedTuple):
    """What one figure shows."""

    title: str
    subtitle: str
    curves: tuple[Curve, ...]


def curve_figures(table: RepeatedTable) -> list[go.Figure]:
    """A figure for every six rows, and one for the oracles."""
    return [curve_figure(info) for info in curves_info(table)]


def curves_info(table: RepeatedTable) -> tuple[CurvesInfo, ...]:
    """What the figures show."""
    images = len(table.indices)
    subtitle = f"{images} images of {table.dataset}; points: as published, on their own images"
    rows = [_curve_of_row(row) for row in table.rows]
    groups = [tuple(rows[k : k + _TOGETHER]) for k in range(0, len(rows), _TOGETHER)]
    count = len(groups)
    found = [
        CurvesInfo(_title(table.name, place, count), subtitle, group)
        for place, group in enumerate(groups, 1)
    ]
    if table.oracles:
        curves = tuple(_curve_of_oracle(oracle) for oracle in table.oracles)
        text = "the best of several rows at every radius: an oracle, not one classifier"
        found.append(CurvesInfo(f"{table.name}: oracles", text, curves))
    return tuple(found)


def curve_figure(info: CurvesInfo) -> go.Figure:
    """One figure; what it says is in its tuple."""
    traces = []
    for place, curve in enumerate(info.curves):
        style = series_style(place)
        line = {"color": style.colour, "dash": style.dash, "width": 2}
        traces.append(
            go.Scatter(
                x=curve.radii, y=curve.accuracies, name=plain(curve.name), mode="lines", line=line
            )
        )
        for name, points in curve.published:
            marker = {"color": style.colour, "symbol": style.marker, "size": 8}
            radii, accuracies = zip(*points, strict=True)
            traces.append(
                go.Scatter(x=radii, y=accuracies, name=plain(name), mode="markers", marker=marker)
            )
    best = max(info.curves, key=lambda curve: sum(curve.accuracies))
    first = f"{best.accuracies[0]:.3f} at radius 0" if best.accuracies else _TINY
    layout = frame_layout(
        title=plain(info.title),
        subtitle=plain(info.subtitle),
        alt=f"Certified accuracy of {len(info.curves)} rows against radius; highest lies "
        f"{best.name}, {first}.",
        x="radius (l2, pixels in [0,1])",
        y="certified accuracy",
        height=460 + 18 * len(traces),
    )
    layout["yaxis"] |= {"range": [0, 1.02]}
    return go.Figure(data=traces, layout=layout)


def mean_curve(row: RepeatedRow) -> tuple[float, ...]:
    """Certified accuracies at 0, STEP, ..., averaged over the seeds of a row."""
    curves = [one.curve for one in row.scores]
    return tuple(sum(values) / len(curves) for values in zip_longest(*curves, fillvalue=0.0))


def _curve_of_row(row: RepeatedRow) -> Curve:
    return _curve(row.label, mean_curve(row), row)


def _curve_of_oracle(oracle: OracleRow) -> Curve:
    return _curve(oracle.label, oracle.curve, oracle)


def _curve(name: str, curve: Sequence[float], row: RepeatedRow | OracleRow) -> Curve:
    radii = tuple(round(k * STEP, 10) for k in range(len(curve)))
    logs = [one for one in row.published if one.paper == "public logs"]
    papers = [one for one in row.published if one not in logs]
    # Five seeds of one log are one row of points: the first stands for them.
    shown = [(f"{one.paper} {one.table}: {one.method}", one.certified) for one in papers if
             one.certified] + [(f"public log: {one.method} {one.sigma}", one.certified)
                               for one in logs[:1]]  # fmt: skip
    return Curve(name, radii, tuple(curve), tuple(shown))


def _title(name: str, place: int, count: int) -> str:
    return name if count == 1 else f"{name} ({place} of {count})"
