"""Figures of balls and regions, and the sentences that they share with the page."""

import numpy as np
import plotly.graph_objects as go
import pytest

from rs_core.errors import ParameterError
from rs_core.experiments import arrange
from rs_core.plots import (
    alt_text,
    ball_circles_figure,
    ball_graph_figure,
    degrees_figure,
    order_change_figure,
    rule_radii_figure,
)
from rs_core.plots.memory.change import order_slopes
from rs_core.plots.memory.graph import graph_info
from rs_core.plots.memory.text import (
    RULE_WORDS,
    ball_sentence,
    change_sentences,
    change_summary,
    total_text,
)
from rs_core.results.arrangement import Arrangement, Points, by_degree, degrees, moved
from tests.experiments.conftest import on_a_line, points_of

NAMES = ("yang", "yin", "dot")
PIXELS = on_a_line(0.0, 0.5, 0.75, 0.9375, 0.9375)
LABELS, RADII = (0, 1, 0, None, None), (0.25, 0.375, 0.25, 0.0, 0.0)


@pytest.fixture
def points() -> Points:
    return points_of(PIXELS, LABELS, RADII)


@pytest.fixture
def memory(points: Points) -> Arrangement:
    return arrange(points, PIXELS, "memory")


@pytest.fixture
def turned(points: Points) -> Arrangement:
    return arrange(points, PIXELS, "memory", [4, 3, 2, 1, 0])


def inside() -> tuple[Points, np.ndarray]:
    pixels = on_a_line(0.25, 0.375)
    return points_of(pixels, (0, 1), (0.25, 0.125)), pixels


def said(points: Points, found: Arrangement) -> list[str]:
    return [ball_sentence(ball, found, points, NAMES) for ball in found.balls]


def test_sentences_of_a_memory(points: Points, memory: Arrangement) -> None:
    assert said(points, memory) == [
        "class 0 (yang), radius 0.249: all that its own votes certify",
        "class 1 (yin), radius 0.249 of 0.375: cut by 1 (point 0)",
        "no room: 2 (point 1) takes all of the 0.250 that its votes certify for class 0 (yang)",
        "abstains: its own votes certify nothing",
        "abstains, radius 0.00000: the same pixels as 4 (point 3), so the same answer",
    ]


def test_an_inherited_label_is_said_to_have_no_votes() -> None:
    points, pixels = inside()
    sentence = said(points, arrange(points, pixels, "memory"))[1]
    assert "no votes stand behind this answer" in sentence
    assert "its own votes said class 1 (yin)" in sentence


def test_a_limit_is_never_shown_as_a_radius() -> None:
    points, pixels = inside()
    found = arrange(points, pixels, "online")
    sentence = said(points, found)[1]
    assert "at most 0.124" in sentence
    assert "not settled" in sentence
    assert total_text(found).startswith("at most ")
    node = graph_info(points, found, NAMES).nodes[1]
    assert node.hollow
    assert node.text == "2?"
    assert "not settled" in ball_circles_figure(points, found, NAMES).layout.title.subtitle.text
    rows = rule_radii_figure(points, [found], NAMES).data[1]
    assert list(rows.marker.symbol) == ["circle", "circle-open"]
    (sentence,) = change_sentences(points, arrange(points, pixels, "strict"), found, NAMES)[1:]
    assert "at most" in sentence


def test_a_graph_has_a_node_per_point_and_an_edge_per_meeting(
    points: Points, memory: Arrangement
) -> None:
    info = graph_info(points, memory, NAMES)
    assert [node.point for node in info.nodes] == [0, 1, 2, 3, 4]
    assert [node.text for node in info.nodes] == ["1", "2", "3", "4", "5"]
    sizes = [node.size for node in info.nodes]
    assert sizes[0] == max(sizes)
    assert sizes[3] == min(sizes)
    assert info.meeting == ((0, 1), (1, 2), (2, 3), (2, 4))
    assert info.conflicting == info.meeting
    figure = ball_graph_figure(points, memory, NAMES, {0: "data:image/png;base64,AA"})
    names = [trace.name for trace in figure.data]
    assert names == ["balls of two classes meet: 4", "class 0 (yang)", "class 1 (yin)", "abstains"]
    assert figure.data[0].line.dash == "dash"
    assert set(figure.data[3].marker.symbol) == {"x-open"}
    assert len(figure.layout.images) == 1
    assert "cut by 1 (point 0)" in figure.data[2].hovertext[0].replace("<br>", " ")
    assert "4 of them with different classes" in alt_text(figure)


def test_colour_and_marker_tell_the_labels(points: Points, memory: Arrangement) -> None:
    looks = [
        (trace.marker.color, trace.marker.symbol[0])
        for trace in ball_graph_figure(points, memory, NAMES).data[1:]
    ]
    assert len({colour for colour, _ in looks}) == len({symbol for _, symbol in looks}) == 3


def test_circles_are_to_scale(points: Points, memory: Arrangement) -> None:
    figure = ball_circles_figure(points, memory, NAMES)
    assert figure.layout.yaxis.scaleanchor == "x"
    widths = [round(s.x1 - s.x0, 6) for s in figure.layout.shapes]
    assert widths == [0.5, 0.5, 0.75, 0.5, 0.5]  # asked and own of each; those of no size left out
    centres = {round((s.x0 + s.x1) / 2, 6) for s in figure.layout.shapes}
    assert centres == {0.0, 0.5, 0.75}
    assert isinstance(figure.data[0], go.Heatmap)
    assert not isinstance(ball_circles_figure(points, memory, ("a", "b")).data[0], go.Heatmap)


def test_circles_need_a_plane() -> None:
    pixels = np.zeros((1, 1, 2, 2), np.float32)
    points = points_of(pixels, [0], [0.1])
    with pytest.raises(ParameterError, match="more than two values"):
        ball_circles_figure(points, arrange(points, pixels, "memory"))


def test_changes_between_two_orders(
    points: Points, memory: Arrangement, turned: Arrangement
) -> None:
    assert moved(memory, turned) == (1, 2)
    slopes = order_slopes(points, memory, turned, NAMES)
    assert [slope.change for slope in slopes] == ["stays", "shrinks", "grows", "stays", "stays"]
    figure = order_change_figure(points, memory, turned, NAMES, ("first", "then"))
    assert [trace.name for trace in figure.data] == ["grows: 1", "shrinks: 1", "stays: 3"]
    assert figure.data[0].x[:2] == ("first", "then")
    assert "2 of 5 answers differ" in change_summary(memory, turned)
    assert change_sentences(points, memory, turned, NAMES)[0].startswith(
        "point 1: class 1 (yin) with radius 0.249 → class 1 (yin), radius 0.0"
    )
    assert order_change_figure(points, memory, memory, titles=("same", "same")).data[0].x[:2] == (
        "same (left)",
        "same (right)",
    )
    assert "Nothing differs" in change_summary(memory, memory)


def test_another_answer_is_told_from_another_radius() -> None:
    points, pixels = inside()
    one, other = (arrange(points, pixels, "memory", order) for order in ([0, 1], [1, 0]))
    assert [s.change for s in order_slopes(points, one, other, NAMES)] == [
        "shrinks",
        "other answer",
    ]


def test_rules_side_by_side_share_the_axis(points: Points) -> None:
    rules = [arrange(points, PIXELS, rule) for rule in ("online", "strict", "label_aware")]
    figure = rule_radii_figure(points, rules, NAMES)
    assert [len(trace.x) for trace in figure.data] == [5, 5, 5, 5]
    for trace, found in zip(figure.data[1:], rules, strict=True):
        assert trace.name == f"{RULE_WORDS[found.rule]}: sum {total_text(found)}"
        assert list(trace.y) == [ball.radius for ball in found.balls]
    with pytest.raises(ParameterError, match="no arrangement"):
        rule_radii_figure(points, [])


def test_degrees_count_the_balls_met(memory: Arrangement) -> None:
    assert degrees(memory) == {0: 1, 1: 2, 2: 3, 3: 1, 4: 1}
    assert by_degree(memory, descending=True) == (2, 1, 0, 3, 4)
    figure = degrees_figure(memory)
    assert list(figure.data[0].y) == [0, 3, 1, 1]
    assert "3 meet 1, 1 meet 2, 1 meet 3" in alt_text(figure)


def test_names_are_no_markup(points: Points) -> None:
    sly = Points(**{**vars(points), "names": ("<b>x</b>%{y}", *points.names[1:])})
    found = arrange(sly, PIXELS, "memory")
    text = ball_graph_figure(sly, found, NAMES).to_json()
    assert "<b>x" not in text
    assert "%{y}" not in text
