import dataclasses
import re
from collections.abc import Callable

import plotly.graph_objects as go
import pytest

from rs_core.plots.style import (
    ABSTAIN,
    BADGES,
    INVALID,
    NOTHING,
    OTHER,
    certificate_badge,
    series_style,
)
from rs_core.results import BADGE_WORDS, Certificate

MakeCertificate = Callable[..., Certificate]


def test_the_first_six_series_differ_in_colour_dash_and_marker_alike() -> None:
    styles = [series_style(index) for index in range(6)]
    for part in zip(*styles, strict=True):
        assert len(set(part)) == 6


def test_forty_two_series_differ() -> None:
    assert len({series_style(index) for index in range(42)}) == 42


def test_other_and_invalid_differ_from_the_five_leading_classes() -> None:
    shown = [*(series_style(index) for index in range(5)), OTHER, INVALID]
    assert len({(s.dash, s.marker) for s in shown}) == len(shown)
    assert len({s.colour for s in shown}) == len(shown)


def test_plotly_knows_every_style() -> None:
    for style in [*(series_style(index) for index in range(42)), OTHER, INVALID, ABSTAIN]:
        trace = go.Scatter(
            line={"color": style.colour, "dash": style.dash}, marker={"symbol": style.marker}
        )
        assert trace.marker.symbol == style.marker
        assert trace.line.dash == style.dash


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("page", ["#ffffff", "#0f1318"])
def test_every_colour_is_seen_on_white_and_on_dark(page: str) -> None:
    for colour in {*(series_style(index).colour for index in range(6)), OTHER.colour}:
        low, high = sorted((luminance(colour), luminance(page)))
        assert (high + 0.05) / (low + 0.05) > 2


def test_badges_have_letter_word_colour_and_shape_of_their_own() -> None:
    assert list(BADGES) == ["A", "B", "C", "D"]
    for letter, badge in BADGES.items():
        assert badge.letter == letter
        assert badge.word == BADGE_WORDS[letter]
        assert badge.text == f"{letter} {badge.word}"
        assert re.fullmatch("#[0-9A-F]{6}", badge.colour)
    for part in ("word", "colour", "marker", "polygon"):
        assert len({getattr(b, part) for b in BADGES.values()}) == 4
    assert BADGES["C"].marker == "star"


def test_an_abstention_carries_no_badge(make: MakeCertificate) -> None:
    certified = make((10, 980, 10, 0), guarantee="A")
    assert certificate_badge(certified) is BADGES["A"]
    assert certificate_badge(dataclasses.replace(certified, predicted=None)) is NOTHING
    assert NOTHING.text == "Nothing certified"
