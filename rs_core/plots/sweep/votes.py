"""Share of the votes that each class wins, against sigma."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from rs_core.errors import ParameterError
from rs_core.plots.style import GREY, INVALID, OTHER, SIGMA_AXIS, Style, frame, series_style
from rs_core.plots.text import class_text, plain
from rs_core.results import Certificate, RadiusCurve

_MOST_CLASSES = 5


class _VotesInfo(NamedTuple):
    sigmas: tuple[float, ...]
    names: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]
    hover: tuple[tuple[str, ...], ...]
    styles: tuple[Style, ...]


def votes_figure(curve: RadiusCurve, class_names: Sequence[str] = ()) -> go.Figure:
    """Share of votes of the leading classes, the others together, and INVALID; bars for one sigma.

    Args:
        curve: certificates with their votes.
        class_names: one per class; empty for numbers alone.

    Raises:
        ParameterError: no certificates, no votes, or names that do not match the classes.
    """
    info = _info(curve.certificates, class_names)
    figure = _bars(info) if len(info.sigmas) == 1 else _lines(info)
    one = len(info.sigmas) == 1
    return frame(
        figure,
        title="How the noisy copies vote",
        subtitle=_needed(curve.certificates),
        alt=_alt(info),
        x="class" if one else SIGMA_AXIS,
        y="share of votes",
    )


def _needed(points: Sequence[Certificate]) -> str:
    """What certifies a class: with both bounds a lead does, below one half too."""
    both = {c.p_upper_runner_up is not None for c in points}
    if both == {False}:
        return "a class needs clearly more than one half of the votes (grey line)"
    lead = "a class needs clearly more votes than any other (grey line: one half)"
    return lead if both == {True} else f"with the two-sided bound {lead}"


def _info(points: Sequence[Certificate], names: Sequence[str]) -> _VotesInfo:
    _check(points, names)
    totals = [sum(c.counts) for c in points]
    ranked = _ranked(points)
    leaders, rest = ranked[:_MOST_CLASSES], ranked[_MOST_CLASSES:]
    rows = [(plain(class_text(k, names)), [c.counts[k] for c in points]) for k in leaders]
    styles = [series_style(index) for index in range(len(rows))]
    if rest:
        rows.append(("other classes", [sum(c.counts[k] for k in rest) for c in points]))
        styles.append(OTHER)
    if any(c.counts[-1] for c in points):
        rows.append(("INVALID: NaN or infinite", [c.counts[-1] for c in points]))
        styles.append(INVALID)
    return _VotesInfo(
        sigmas=tuple(c.sigma for c in points),
        names=tuple(name for name, _ in rows),
        shares=tuple(tuple(v / n for v, n in zip(votes, totals, strict=True)) for _, votes in rows),
        hover=tuple(_hover(name, votes, points) for name, votes in rows),
        styles=tuple(styles),
    )


def _check(points: Sequence[Certificate], names: Sequence[str]) -> None:
    if not points:
        raise ParameterError("the curve holds no certificates: there are no votes to draw.")
    classes = len(points[0].counts) - 1
    if any(len(c.counts) != classes + 1 or sum(c.counts) == 0 for c in points):
        raise ParameterError("a certificate carries no votes of these classes: nothing to draw.")
    if names and len(names) != classes:
        raise ParameterError(
            f"{len(names)} class names for {classes} classes: give one name per class."
        )


def _ranked(points: Sequence[Certificate]) -> list[int]:
    """Classes with votes: certified ones first, as the radius figure orders them, then by share."""
    certified = [c.predicted for c in points if c.predicted is not None]
    classes = range(len(points[0].counts) - 1)
    best = [max(c.counts[k] / sum(c.counts) for c in points) for k in classes]
    voted = sorted((k for k in classes if best[k] > 0), key=lambda k: -best[k])
    return list(dict.fromkeys([*certified, *voted]))


def _hover(name: str, votes: Sequence[int], points: Sequence[Certificate]) -> tuple[str, ...]:
    return tuple(
        f"<b>{name}</b><br>σ {c.sigma:g}<br>{v:,} of {sum(c.counts):,} votes"
        for v, c in zip(votes, points, strict=True)
    )


def _lines(info: _VotesInfo) -> go.Figure:
    figure = go.Figure()
    for name, share, hover, style in zip(
        info.names, info.shares, info.hover, info.styles, strict=True
    ):
        figure.add_trace(
            go.Scatter(
                x=info.sigmas,
                y=share,
                name=name,
                hovertext=hover,
                hoverinfo="text",
                mode="lines+markers",
                line={"color": style.colour, "dash": style.dash, "width": 2},
                marker={"color": style.colour, "symbol": style.marker, "size": 8},
            )
        )
    figure.update_xaxes(rangemode="tozero", nticks=8)
    return _with_half(figure)


def _bars(info: _VotesInfo) -> go.Figure:
    figure = go.Figure(
        go.Bar(
            x=info.names,
            y=[share[0] for share in info.shares],
            hovertext=[hover[0] for hover in info.hover],
            hoverinfo="text",
            marker={"color": [style.colour for style in info.styles]},
            text=[f"{100 * share[0]:.1f}%" for share in info.shares],
            textposition="outside",
            cliponaxis=False,
            showlegend=False,
        )
    )
    figure.update_xaxes(type="category")
    return _with_half(figure)


def _with_half(figure: go.Figure) -> go.Figure:
    figure.add_hline(y=0.5, line={"color": GREY, "dash": "dot", "width": 1}, layer="below")
    figure.update_yaxes(range=[-0.03, 1.08], tickformat=".0%", nticks=6)
    return figure


def _alt(info: _VotesInfo) -> str:
    leader, share = info.names[0], info.shares[0]
    kind = "Bar chart" if len(share) == 1 else "Line chart"
    span = f"{100 * min(share):.1f}% to {100 * max(share):.1f}%"
    return f"{kind} of vote shares. {leader} holds {span} of the votes over {len(share)} sigma(s)."
