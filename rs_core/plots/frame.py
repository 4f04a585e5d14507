"""The frame that figures share: title, axes, legend below, words for a screen reader."""

from typing import Any

import plotly.graph_objects as go

from rs_core.plots.wording import wrap

SIGMA_AXIS = "noise level σ (pixels in [0,1])"


def frame(
    figure: go.Figure, *, title: str, subtitle: str, alt: str, x: str, y: str, height: int = 460
) -> go.Figure:
    """The same figure, with titles that fit a narrow screen and a legend under the plot.

    Args:
        figure: changed in place and returned.
        title, subtitle: plain words; 36 characters and about 100 fit a screen of 390 px.
        alt: one or two sentences for those who cannot see the figure; kept in `layout.meta`.
        x, y: axis titles with units.
        height: pixels.
    """
    figure.update_layout(
        title={
            "text": title,
            "font": {"size": 16},
            "subtitle": {"text": wrap(subtitle, 50), "font": {"size": 12}},
            "x": 0.01,
            "xref": "container",
            "xanchor": "left",
            "yref": "container",
            "y": 0.97,
            "yanchor": "top",
            "automargin": True,
        },
        legend={
            "orientation": "h",
            "yref": "container",
            "y": 0.01,
            "yanchor": "bottom",
            "x": 0,
            "xanchor": "left",
        },
        margin={"l": 60, "r": 16, "t": 90, "b": 60},
        height=height,
        hovermode="closest",
        meta={"alt": alt},
    )
    figure.update_xaxes(title={"text": x, "standoff": 8})
    figure.update_yaxes(title={"text": y, "standoff": 8})
    return figure


def alt_text(figure: go.Figure) -> str:
    """The figure in one or two sentences, for a screen reader; its title where none was kept."""
    meta: Any = figure.layout.meta
    if isinstance(meta, dict) and meta.get("alt"):
        return str(meta["alt"])
    return str(figure.layout.title.text or "figure").replace("<br>", " ")
