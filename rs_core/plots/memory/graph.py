"""Balls as a graph: points on a map of their distances, and which of their balls meet."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from rs_core.plots.memory.text import RULE_WORDS, ball_sentence, label_text, total_text
from rs_core.plots.style import ABSTAIN, GREY, VERMILION, Style, frame, series_style
from rs_core.plots.text import plain, wrap
from rs_core.results.arrangement import Arrangement, PlacedBall, Points

_SMALLEST, _LARGEST = 10, 40
_MOST_PICTURES = 60
_PICTURE = 0.07  # of the map's width


class Node(NamedTuple):
    """One point: where it stands, how large it is drawn, what is said of it."""

    point: int
    x: float
    y: float
    label: int | None
    size: float
    text: str
    hover: str
    hollow: bool


class GraphInfo(NamedTuple):
    """Nodes in the order in which they came, and pairs of points."""

    nodes: tuple[Node, ...]
    meeting: tuple[tuple[int, int], ...]
    conflicting: tuple[tuple[int, int], ...]


def ball_graph_figure(
    points: Points,
    arrangement: Arrangement,
    class_names: Sequence[str] = (),
    thumbnails: Mapping[int, str] | None = None,
) -> go.Figure:
    """A node per point, sized by its ball's radius; lines join balls that meet.

    Dashed thick lines join balls of different classes, so that one of them must give way. A
    hollow node has the label of another ball, with no votes of its own behind it.

    Args:
        points: their own certificates and the map.
        arrangement: what a rule leaves of them.
        class_names: one per class; empty for numbers alone.
        thumbnails: data addresses of pictures, by point.
    """
    info = graph_info(points, arrangement, class_names)
    figure = go.Figure()
    apart = set(info.conflicting)
    at = {node.point: node for node in info.nodes}
    same = [pair for pair in info.meeting if pair not in apart]
    _edges(figure, "balls of one class meet", same, at, Style(GREY, "solid", ""), 1)
    _edges(
        figure, "balls of two classes meet", info.conflicting, at, Style(VERMILION, "dash", ""), 3
    )
    node_traces(figure, info.nodes, class_names)
    if thumbnails and len(info.nodes) <= _MOST_PICTURES:
        _pictures(figure, info.nodes, thumbnails)
    frame(
        figure,
        title="Which balls meet",
        subtitle=subtitle(arrangement)
        + ("" if points.true_plane else "; the map keeps distances only roughly"),
        alt=graph_alt(info, arrangement),
        x="x" if points.true_plane else "map of the distances, pixels of [0,1]",
        y="y" if points.true_plane else "",
        height=520,
    )
    figure.update_layout(legend={"itemsizing": "constant"})
    figure.update_yaxes(scaleanchor="x", scaleratio=1)
    return figure


def graph_info(points: Points, arrangement: Arrangement, names: Sequence[str]) -> GraphInfo:
    """What the graph shows, as plain values."""
    largest = max((ball.radius for ball in arrangement.balls), default=0.0)
    nodes = tuple(
        Node(
            point=ball.point,
            x=float(points.coordinates[ball.point, 0]),
            y=float(points.coordinates[ball.point, 1]),
            label=ball.label,
            size=_SMALLEST + (_LARGEST - _SMALLEST) * (ball.radius / largest if largest else 0.0),
            text=f"{place}{'' if ball.final else '?'}",
            hover=node_hover(ball, place, arrangement, points, names),
            hollow=ball.kind == "inherited",
        )
        for place, ball in enumerate(arrangement.balls, start=1)
    )
    return GraphInfo(nodes, arrangement.meeting, arrangement.conflicting)


def node_hover(
    ball: PlacedBall, place: int, arrangement: Arrangement, points: Points, names: Sequence[str]
) -> str:
    """Name, sigma and what became of the point, in lines."""
    head = f"{place}. {points.names[ball.point]}, σ = {points.selections[ball.point].sigma:.3g}"
    said = ball_sentence(ball, arrangement, points, names)
    return "<br>".join(wrap(plain(line), 46) for line in (head, said))


def node_traces(figure: go.Figure, nodes: Sequence[Node], names: Sequence[str]) -> None:
    """A trace per answer, each with a colour and a marker of its own."""
    for label in sorted({n.label for n in nodes}, key=lambda k: (k is None, k or 0)):
        style = ABSTAIN if label is None else series_style(label)
        group = [node for node in nodes if node.label == label]
        figure.add_trace(
            go.Scatter(
                x=[n.x for n in group],
                y=[n.y for n in group],
                name=plain(label_text(label, names)),
                mode="markers+text",
                text=[n.text for n in group],
                textposition="top center",
                hovertext=[n.hover for n in group],
                hoverinfo="text",
                marker={
                    "size": [n.size for n in group],
                    "symbol": [_symbol(style, n.hollow) for n in group],
                    "color": style.colour,
                    "opacity": 0.85,
                    "line": {"width": 2, "color": style.colour},
                },
            )
        )


def subtitle(arrangement: Arrangement) -> str:
    """The rule, the sum, and what hollow nodes mean where there are some."""
    text = f"{RULE_WORDS[arrangement.rule]}: sum of radii {total_text(arrangement)}"
    if any(ball.kind == "inherited" for ball in arrangement.balls):
        text += "; hollow: another ball's label"
    if not all(ball.final for ball in arrangement.balls):
        text += "; ?: not settled"
    return text


def graph_alt(info: GraphInfo, arrangement: Arrangement) -> str:
    """The figure in words."""
    return (
        f"{len(info.nodes)} balls under the rule {RULE_WORDS[arrangement.rule]}: "
        f"{len(info.meeting)} pairs of certified balls meet, {len(info.conflicting)} of them with "
        f"different classes; sum of radii {total_text(arrangement)}."
    )


def _symbol(style: Style, hollow: bool) -> str:
    return f"{style.marker}-open" if hollow and "open" not in style.marker else style.marker


def _edges(
    figure: go.Figure,
    name: str,
    pairs: Sequence[tuple[int, int]],
    at: Mapping[int, Node],
    style: Style,
    width: int,
) -> None:
    if not pairs:
        return
    ends = [(at[i], at[j]) for i, j in pairs]
    figure.add_trace(
        go.Scatter(
            x=[value for one, two in ends for value in (one.x, two.x, None)],
            y=[value for one, two in ends for value in (one.y, two.y, None)],
            name=f"{name}: {len(pairs)}",
            mode="lines",
            hoverinfo="skip",
            line={"color": style.colour, "dash": style.dash, "width": width},
        )
    )


def _pictures(figure: go.Figure, nodes: Sequence[Node], thumbnails: Mapping[int, str]) -> None:
    spread = np.ptp(np.array([(n.x, n.y) for n in nodes]), axis=0).max() or 1.0
    side = _PICTURE * float(spread)
    for node in nodes:
        if node.point in thumbnails:
            figure.add_layout_image(
                source=thumbnails[node.point], xref="x", yref="y", x=node.x, y=node.y - side / 2,
                sizex=side, sizey=side, xanchor="center", yanchor="top",
            )  # fmt: skip
