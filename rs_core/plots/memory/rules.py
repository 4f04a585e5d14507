"""Several rules on the same points: every radius, and their sums; and how many balls meet."""

from collections import Counter
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from rs_core.errors import ParameterError
from rs_core.plots.memory.text import RULE_WORDS, ball_sentence, total_text
from rs_core.plots.style import GREY, SKY, Style, frame, series_style
from rs_core.plots.text import plain, wrap
from rs_core.results.arrangement import Arrangement, Points, degrees

_APART = 0.16
_CERTIFIED = Style(GREY, "dot", "line-ew-open")


def rule_radii_figure(
    points: Points, arrangements: Sequence[Arrangement], class_names: Sequence[str] = ()
) -> go.Figure:
    """The radius of every point under each rule; hollow where it is only a limit.

    Args:
        points: of all the arrangements.
        arrangements: at least one; the first one's order is the order of the axis.
        class_names: one per class; empty for numbers alone.

    Raises:
        ParameterError: no arrangements.
    """
    if not arrangements:
        raise ParameterError("there is no arrangement to draw: give one at least.")
    order = arrangements[0].order
    places = {point: place for place, point in enumerate(order, start=1)}
    figure = go.Figure(
        go.Scatter(
            x=list(range(1, len(order) + 1)),
            y=[points.certificates[k].radius for k in order],
            name="what its own votes certify",
            mode="markers",
            hoverinfo="skip",
            marker={"color": GREY, "symbol": _CERTIFIED.marker, "size": 22},
        )
    )
    for index, found in enumerate(arrangements):
        shift = _APART * (index - (len(arrangements) - 1) / 2)
        at = {point: place + shift for point, place in places.items()}
        figure.add_trace(_radii(points, found, at, series_style(index), class_names))
    sums = "; ".join(f"{RULE_WORDS[a.rule]} {total_text(a)}" for a in arrangements)
    figure.update_xaxes(tickformat="d", nticks=min(len(order), 20) + 1)
    figure.update_yaxes(rangemode="tozero")
    return frame(
        figure,
        title="One after another, or a linear programme",
        subtitle="grey bars: what each point's own votes certify; hollow: a limit, not settled",
        alt=f"Radius of {len(order)} points under each rule; sums: {sums}.",
        x="place in the order",
        y="radius (pixels of [0,1])",
    )


def _radii(
    points: Points,
    found: Arrangement,
    at: Mapping[int, float],
    style: Style,
    names: Sequence[str],
) -> go.Scatter:
    balls = [ball for ball in found.balls if ball.point in at]
    return go.Scatter(
        x=[at[b.point] for b in balls],
        y=[b.radius for b in balls],
        name=f"{RULE_WORDS[found.rule]}: sum {total_text(found)}",
        mode="markers",
        hovertext=[wrap(plain(ball_sentence(b, found, points, names)), 46) for b in balls],
        hoverinfo="text",
        marker={
            "color": style.colour,
            "symbol": [style.marker + ("" if b.final else "-open") for b in balls],
            "size": 10,
            "line": {"width": 2, "color": style.colour},
        },
    )


def degrees_figure(arrangement: Arrangement) -> go.Figure:
    """How many points meet 0, 1, 2, ... other balls: Wang et al. (2021), appendix C.1."""
    counts = Counter(degrees(arrangement).values())
    met = list(range(max(counts, default=0) + 1))
    figure = go.Figure(
        go.Bar(
            x=met,
            y=[counts[k] for k in met],
            marker={"color": SKY},
            hovertemplate="%{y} points meet %{x} balls<extra></extra>",
        )
    )
    figure.update_xaxes(tickformat="d", nticks=min(len(met), 12) + 1)
    figure.update_yaxes(tickformat="d", rangemode="tozero", nticks=6)
    words = ", ".join(f"{counts[k]} meet {k}" for k in met if counts[k])
    return frame(
        figure,
        title="How crowded it is",
        subtitle="balls that each point's own certified ball meets, before any rule cuts them",
        alt=f"Degrees of the overlap graph of {len(arrangement.order)} points: {words}.",
        x="balls met",
        y="points",
        height=340,
    )
