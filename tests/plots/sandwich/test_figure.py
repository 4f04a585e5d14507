import json
from dataclasses import replace

import pytest

from rs_core.errors import ParameterError
from rs_core.plots import alt_text, live_sandwich_figure, sandwich_figure, sandwich_report
from rs_core.plots.sandwich.bars import Bar, live_bars, sandwich_bars
from rs_core.plots.style import GREEN, ORANGE, VERMILION
from rs_core.results.sandwich import Sandwich, SandwichStrip
from tests.results.test_sandwich import ATTACK, CERTIFICATE

CLOSED = Sandwich("closed", 3, CERTIFICATE, ATTACK)
NARROW = Sandwich("narrow", 3, replace(CERTIFICATE, radius=0.8), ATTACK)
CROSSING = Sandwich("crossing", 3, replace(CERTIFICATE, radius=1.0), ATTACK)
HOLLOW = Sandwich("hollow", 3, CERTIFICATE, replace(ATTACK, confirmed=False))
OPEN = Sandwich("open", 3, CERTIFICATE, replace(ATTACK, success=False, confirmed=False))
WRONG = Sandwich("wrong", 5, CERTIFICATE, None)
SILENT = Sandwich("silent", 3, replace(CERTIFICATE, predicted=None, radius=0.0), ATTACK)
ALL = (CLOSED, OPEN, CROSSING, NARROW, HOLLOW, WRONG, SILENT)


def strip_of(*sandwiches: Sandwich) -> SandwichStrip:
    return SandwichStrip(sandwiches, 1e-3, 2e-3, 8, 3.0, "fixed beforehand at 0.25")


def named(figure, name: str):
    (found,) = [trace for trace in figure.data if trace.name == name]
    return found


def test_bars_are_sorted_by_gap_and_say_which_case_they_are() -> None:
    bars = sandwich_bars(strip_of(*ALL))
    assert [(bar.name, bar.state) for bar in bars] == [
        ("crossing", "crossing"), ("wrong", "misclassified"), ("narrow", "closed"),
        ("closed", "closed"), ("silent", "closed"), ("open", "open"), ("hollow", "unconfirmed"),
    ]  # fmt: skip
    closed = bars[3]
    assert closed == Bar(
        name="closed", state="closed", lower=0.4, upper=0.9, hollow=None, reach=0.9,
        abstains=False, settled=True, hover=closed.hover, pipeline=None,
    )  # fmt: skip
    assert "certified 0.400" in closed.hover
    assert "smallest confirmed attack 0.9" in closed.hover
    assert [bar.reach for bar in bars[5:]] == [3.0, 3.0]
    assert (bars[6].hollow, bars[6].upper) == (0.9, None)
    assert "no attack found up to 3" in bars[5].hover
    assert "safe" not in " ".join(bar.hover for bar in bars)
    assert "nothing certified" in bars[4].hover


def test_every_case_has_a_mark_of_its_own_and_no_point_is_the_truth() -> None:
    figure = sandwich_figure(strip_of(*ALL))
    certified = named(figure, "certified")
    assert certified.marker.color == GREEN
    assert list(certified.y) == [2, 3, 5, 6]
    assert list(certified.x) == [0.8, 0.4, 0.4, 0.4]
    unknown = named(figure, "unknown")
    assert unknown.marker.pattern.shape == "/"
    ends = [round(b + x, 9) for b, x in zip(unknown.base, unknown.x, strict=True)]
    assert ends == [0.9, 0.9, 0.9, 3.0, 3.0]
    attack = named(figure, "smallest confirmed attack")
    assert (attack.marker.color, attack.marker.symbol) == (ORANGE, "diamond")
    assert list(attack.x) == [0.9, 0.9, 0.9]
    assert named(figure, "attack, unconfirmed").marker.symbol == "diamond-open"
    assert list(named(figure, "none found up to 3").x) == [3.0]
    assert list(named(figure, "none confirmed up to 3").x) == [3.0]
    red = named(figure, "inconsistent: alpha event, different classifier, or bug")
    assert red.marker.color == VERMILION
    assert red.marker.pattern.shape == "x"
    assert list(red.x) == [1.0]
    assert list(named(figure, "nothing certified (abstains)").y) == [4]
    assert list(named(figure, "misclassified as it is: both ends 0").x) == [0.0]
    assert figure.layout.yaxis.ticktext[0] == "crossing"
    assert not any("true" in trace.name for trace in figure.data)
    text = alt_text(figure)
    assert "7 images" in text
    assert "1 inconsistent" in text
    assert "Narrowest: narrow, certified 0.800, attack 0.9" in text
    assert "0.003" in text


def test_the_pipeline_is_a_thin_second_row_without_green() -> None:
    found, none = ATTACK, replace(ATTACK, confirmed=False)
    strip = strip_of(
        replace(CLOSED, pipeline=replace(found, l2=0.6)), replace(NARROW, pipeline=none)
    )
    figure = sandwich_figure(strip)
    row = named(figure, "pipeline re-picks σ: nothing certified")
    assert row.width < named(figure, "certified").width / 2
    assert list(row.x) == [3.0, 0.6]
    assert list(row.y) == pytest.approx([0.36, 1.36])
    assert list(named(figure, "attack on the pipeline").x) == [0.6]
    assert list(named(figure, "none found on the pipeline").x) == [3.0]


def test_names_are_given_or_the_images_own() -> None:
    bars = sandwich_bars(strip_of(CLOSED, NARROW), ["<b>one", "two"])
    assert [bar.name for bar in bars] == ["two", "<b>one"]
    assert "&lt;b&gt;one" in bars[1].hover
    with pytest.raises(ParameterError, match="1 names for 2 images"):
        sandwich_figure(strip_of(CLOSED, NARROW), ["one"])
    with pytest.raises(ParameterError, match="no sandwich"):
        sandwich_figure(strip_of())


ROWS = [
    {"index": 0, "name": "a", "lower": 0.4, "lower_final": True, "hollow": None, "upper": 0.9,
     "done": True},
    {"index": 1, "name": "b", "lower": 0.3, "lower_final": True, "hollow": 1.2, "upper": None,
     "done": False},
    {"index": 2, "name": "c", "lower": 0.1, "lower_final": False, "hollow": None, "upper": None,
     "done": False},
    {"index": 3, "name": "d", "lower": 0.5, "lower_final": True, "hollow": None, "upper": 0.2,
     "done": True},
    {"index": 4, "name": "e", "lower": 0.0, "lower_final": True, "hollow": None, "upper": None,
     "done": True},
]  # fmt: skip


def test_a_strip_under_way_keeps_its_order_and_calls_nothing_final_too_early() -> None:
    bars = live_bars(json.loads(json.dumps(ROWS)), 3.0)
    assert [(bar.name, bar.state) for bar in bars] == [
        ("a", "closed"), ("b", "running"), ("c", "running"), ("d", "crossing"), ("e", "open"),
    ]  # fmt: skip
    assert "so far, valid at any time" in bars[2].hover
    assert "not confirmed yet" in bars[1].hover
    figure = live_sandwich_figure(ROWS, 3.0)
    assert list(named(figure, "certified so far").x) == [0.1]
    assert list(named(figure, "attack, unconfirmed").x) == [1.2]
    assert list(named(figure, "none found up to 3").y) == [4]
    assert "Under way" in alt_text(figure)
    assert live_sandwich_figure([]).data == ()
    assert [bar.reach for bar in live_bars(ROWS)] == [0.9, 1.2, 1.2, 0.2, 1.2]


def test_a_report_says_crossings_first_and_what_both_ends_rest_on() -> None:
    report = sandwich_report(strip_of(CLOSED, CROSSING, HOLLOW), class_names=list("abcdef"))
    assert report.index("crossing: inconsistent: alpha event") < report.index("closed: certified")
    assert "attack at 0.9 unconfirmed by fresh noise: no upper end up to 3" in report
    assert "0.001 + 0.002 = 0.003" in report
    assert "crossing_report" in report
    assert "adversarial" in report
    calm = sandwich_report(strip_of(CLOSED))
    assert "crossing_report" not in calm
    many = sandwich_report(strip_of(*[CLOSED] * 5))
    assert "5 of 5 images certified, 5 with a confirmed upper end" in many
