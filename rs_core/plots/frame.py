"""The frame that figures share: title, axes, legend below, words for a screen reader."""

from typing import Any

import plotly.graph_objects as go

from rs_core.plots.wording import wrap

SIGMA_AXIS = "noise level σ (pixels in [0,1])"


def frame_layout(
    *, title: str, subtitle: str, alt: str, x: str, y: str, height: int = 460
) -> dict[str, Any]:
    """A layout for `go.Figure`: titles that fit a narrow screen and a legend under the plot.

    Args:
        title, subtitle: plain words; 36 characters and about 100 fit a screen of 390 px.
        alt: one or two sentences for those who cannot see the figure; kept in `layout.meta`.
        x, y: axis titles with units.
        height: pixels.
    """
    return {
        "title": {
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
        "legend": {
            "orientation": "h",
            "yref": "container",
            "y": 0.01,
            "yanchor": "bottom",
            "x": 0,
            "xanchor": "left",
        },
        "margin": {"l": 60, "r": 16, "t": 90, "b": 60},
        "height": height,
        "hovermode": "closest",
        "meta": {"alt": alt},
        "xaxis": {"title": {"text": x, "standoff": 8}},
        "yaxis": {"title": {"text": y, "standoff": 8}},
    }


def frame(
    figure: go.Figure, *, title: str, subtitle: str, alt: str, x: str, y: str, height: int = 460
) -> go.Figure:
    """The same figure with `frame_layout` laid over it; a figure built with that is faster."""
    figure.update_layout(
        frame_layout(title=title, subtitle=subtitle, alt=alt, x=x, y=y, height=height)
    )
    return figure


def alt_text(figure: go.Figure) -> str:
    """The figure in one or two sentences, for a screen reader; its title where none was kept."""
    meta: Any = figure.layout.meta
    if isinstance(meta, dict) and meta.get("alt"):
        return str(meta["alt"])
    return str(figure.layout.title.text or "figure").replace("<br>", " ")
