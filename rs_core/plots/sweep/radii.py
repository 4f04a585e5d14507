"""How many images keep at least a given certified radius, one line per kind of guarantee."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from rs_core.errors import ParameterError
from rs_core.plots.style import BADGES, Style, frame
from rs_core.plots.text import radius_text
from rs_core.results import Badge, Certificate

_DASHES = {"A": "solid", "B": "dash", "C": "dot", "D": "dashdot"}


class _RadiiInfo(NamedTuple):
    badge: Badge
    certified: int
    total: int
    radii: tuple[float, ...]
    shares: tuple[float, ...]


def radii_figure(certificates: Sequence[Certificate]) -> go.Figure:
    """Share of images whose certified radius is at least r, a falling staircase per badge.

    An abstention never counts. Labels are not looked at, so this is not an accuracy.

    Raises:
        ParameterError: no certificates, or radii in different norms.
    """
    return _figure(_info(certificates), certificates[0].norm)


def _info(certificates: Sequence[Certificate]) -> tuple[_RadiiInfo, ...]:
    if not certificates:
        raise ParameterError("there are no certificates: certify one image at least.")
    norms = {c.norm for c in certificates}
    if len(norms) > 1:
        raise ParameterError(f"radii in {' and '.join(sorted(norms))}: draw one norm at a time.")
    groups = []
    for badge in BADGES:
        group = [c for c in certificates if c.guarantee == badge]
        radii = sorted(c.radius for c in group if c.predicted is not None)
        if group:
            left = tuple((len(radii) - i) / len(group) for i in range(len(radii)))
            groups.append(
                _RadiiInfo(
                    badge, len(radii), len(group), (0.0, *radii), (*left[:1], *left) or (0.0,)
                )
            )
    return tuple(groups)


def _hover(group: _RadiiInfo, radius: float) -> str:
    reached = sum(r >= radius for r in group.radii[1:])
    return f"{reached} of {group.total} images<br>keep radius {radius_text(radius)} or more"


def _figure(groups: tuple[_RadiiInfo, ...], norm: str) -> go.Figure:
    figure = go.Figure()
    for group in groups:
        badge = BADGES[group.badge]
        style = Style(badge.colour, _DASHES[badge.letter], badge.marker)
        figure.add_trace(
            go.Scatter(
                x=(*group.radii, group.radii[-1]),
                y=(*group.shares, 0.0),
                name=f"{badge.text}: {group.certified} of {group.total}, "
                f"{group.total - group.certified} abstain",
                hovertext=[_hover(group, r) for r in (*group.radii, group.radii[-1])],
                hoverinfo="text",
                mode="lines+markers" if group.certified < 60 else "lines",
                line={"color": style.colour, "dash": style.dash, "width": 2, "shape": "vh"},
                marker={"color": style.colour, "symbol": style.marker, "size": 7},
            )
        )
    figure.update_xaxes(rangemode="tozero", nticks=8)
    figure.update_yaxes(range=[-0.03, 1.05], tickformat=".0%", nticks=6)
    counts = "; ".join(
        f"{BADGES[g.badge].text}: {g.certified} of {g.total} certified, "
        f"{g.total - g.certified} abstain"
        for g in groups
    )
    return frame(
        figure,
        title="Images that keep a given radius",
        subtitle="labels are not looked at: this is not an accuracy",
        alt=f"Staircase of the share of images against certified {norm} radius. {counts}.",
        x=f"certified radius r ({norm}, pixels in [0,1])",
        y="share of images with radius >= r",
    )
