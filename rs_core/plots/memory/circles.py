"""Balls of points in the plane: true circles, to scale."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rs_core.datasets.plane import CLASSES, DISC, true_classes
from rs_core.errors import ParameterError
from rs_core.plots.memory.graph import graph_alt, graph_info, node_traces, subtitle
from rs_core.plots.style import ABSTAIN, GREY, frame, series_style
from rs_core.results.arrangement import Arrangement, Points

_CELLS = 161
_POINT = 9
_SEEN = 1e-6


def ball_circles_figure(
    points: Points, arrangement: Arrangement, class_names: Sequence[str] = ()
) -> go.Figure:
    """Each ball as a circle around its point; a thin dotted one is what its own votes certify.

    Args:
        points: images of two values.
        arrangement: what a rule leaves of them.
        class_names: one per class; for the classes of the data set `plane` the true ones are
            shaded behind the circles.

    Raises:
        ParameterError: images of more than two values.
    """
    if not points.true_plane:
        raise ParameterError("these images have more than two values: draw their graph instead.")
    info = graph_info(points, arrangement, class_names)
    figure = go.Figure()
    if tuple(class_names) == CLASSES:
        figure.add_trace(_truth())
    node_traces(figure, [n._replace(size=_POINT) for n in info.nodes], class_names)
    figure.update_layout(shapes=_circles(points, arrangement))
    shaded = "; shaded: the true classes" if tuple(class_names) == CLASSES else ""
    frame(
        figure,
        title="The balls, to scale",
        subtitle=f"{subtitle(arrangement)}; dotted: what its own votes certify{shaded}",
        alt=graph_alt(info, arrangement),
        x="x, pixels of [0,1]",
        y="y, pixels of [0,1]",
        height=600,
    )
    ends = {"range": [-0.05, 1.05], "constrain": "domain"}
    figure.update_xaxes(**ends)
    return figure.update_yaxes(**ends, scaleanchor="x", scaleratio=1)


def _circles(points: Points, arrangement: Arrangement) -> list[dict[str, Any]]:
    shapes = []
    for ball in arrangement.balls:
        style = ABSTAIN if ball.label is None else series_style(ball.label)
        x, y = (float(value) for value in points.coordinates[ball.point])
        asked = {"color": GREY, "width": 1, "dash": "dot"}
        # A ball of another's label is drawn hollow: no votes of its own stand behind it.
        solid = ball.kind in ("own", "cut", "repeat")
        own = {"color": style.colour, "width": 2, "dash": "solid" if ball.final else "dash"}
        shapes.append(_circle(x, y, ball.asked_radius, line=asked))
        shapes.append(
            _circle(x, y, ball.radius, line=own)
            | ({"fillcolor": style.colour, "opacity": 0.35} if solid else {})
        )
    return [shape for shape in shapes if shape["x1"] - shape["x0"] > _SEEN]


def _circle(x: float, y: float, radius: float, **look: Any) -> dict[str, Any]:
    ends = {"x0": x - radius, "x1": x + radius, "y0": y - radius, "y1": y + radius}
    return {"type": "circle", "layer": "below", **ends, **look}


def _truth() -> go.Heatmap:
    side = np.linspace(0.0, 1.0, _CELLS)
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    inside = np.hypot(grid[..., 0] - DISC, grid[..., 1] - DISC) <= DISC
    colours = [series_style(k).colour for k in range(len(CLASSES))]
    steps = [k / len(CLASSES) for k in range(len(CLASSES) + 1)]
    scale = [
        (edge, colour) for k, colour in enumerate(colours) for edge in (steps[k], steps[k + 1])
    ]
    return go.Heatmap(
        x=side, y=side, z=np.where(inside, true_classes(grid), np.nan), colorscale=scale,
        zmin=-0.5, zmax=len(CLASSES) - 0.5, showscale=False, opacity=0.16, hoverinfo="skip",
    )  # fmt: skip
