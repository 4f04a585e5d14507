"""Colours, dashes, markers and badges: nothing is told by colour alone.

The colours are Okabe and Ito's (2008), told apart with any common colour blindness; black and
yellow are left out because figures are shown on dark and on white pages.
"""

from typing import Any, NamedTuple

import plotly.graph_objects as go

from rs_core.plots.text import wrap
from rs_core.results import BADGE_WORDS, Badge, Certificate

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY = "#CC79A7", "#56B4E9", "#8A8A8A"

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_MARKERS = ("circle", "square", "diamond", "triangle-up", "cross", "pentagon", "hexagram")


class Style(NamedTuple):
    """How one series looks: a plotly colour, dash and marker symbol."""

    colour: str
    dash: str
    marker: str


def series_style(index: int) -> Style:
    """The look of series 0, 1, 2, ...: the first 42 differ, the first six in every part."""
    return Style(
        _COLOURS[index % len(_COLOURS)],
        _DASHES[index % len(_DASHES)],
        _MARKERS[index % len(_MARKERS)],
    )


OTHER = Style(GREY, "longdash", "asterisk-open")
INVALID = Style(VERMILION, "dot", "x")
ABSTAIN = Style(GREY, "dot", "x-open")


class BadgeStyle(NamedTuple):
    """How a guarantee looks: letter, word, colour and shape always go together.

    `marker` is the shape's plotly symbol, `polygon` its outline in a 0..20 square ("" = circle).
    """

    letter: str
    word: str
    colour: str
    marker: str
    polygon: str

    @property
    def text(self) -> str:
        """Letter and word, e.g. "C Fixed sigma"."""
        return f"{self.letter} {self.word}".strip()


_STAR = "10,0 12.4,6.8 19.5,6.9 13.8,11.2 15.9,18.1 10,14 4.1,18.1 6.2,11.2 0.5,6.9 7.6,6.8"

BADGES: dict[Badge, BadgeStyle] = {
    "A": BadgeStyle("A", BADGE_WORDS["A"], GREEN, "circle", ""),
    "B": BadgeStyle("B", BADGE_WORDS["B"], BLUE, "square", "2,2 18,2 18,18 2,18"),
    "C": BadgeStyle("C", BADGE_WORDS["C"], ORANGE, "star", _STAR),
    "D": BadgeStyle("D", BADGE_WORDS["D"], VERMILION, "triangle-up", "10,1 19.5,18 0.5,18"),
}

_CROSS = "4,1 10,7 16,1 19,4 13,10 19,16 16,19 10,13 4,19 1,16 7,10 1,4"
NOTHING = BadgeStyle("", "Nothing certified", GREY, "x-open", _CROSS)


def certificate_badge(certificate: Certificate) -> BadgeStyle:
    """The badge of a certificate; an abstention has none, whatever it would have been."""
    return NOTHING if certificate.predicted is None else BADGES[certificate.guarantee]


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
