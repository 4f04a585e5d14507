import dataclasses

import pytest

from rs_core.errors import ParameterError
from rs_core.plots import BADGES, alt_text, radius_figure, selection_curve
from rs_core.results.comparison import Comparison


def marks(figure) -> dict[str, object]:
    return {t.text[1]: t for t in figure.data if t.text}


def test_each_method_is_marked_with_its_name_badge_sigma_and_radius(
    comparison: Comparison,
) -> None:
    found = marks(selection_curve(comparison, 0, ["a", "b", "c"]))
    assert set(found) == {
        "C grid", "A fixed", "C multistart", "A multistart, grid minimum",
    }  # fmt: skip
    for name, index in (("C grid", 0), ("A fixed", 1)):
        method = comparison.methods[index]
        assert found[name].x[0] == method.selections[0].sigma
        assert found[name].y[0] == method.certificates[0].radius
        assert found[name].marker.symbol[0] == BADGES[method.badge].marker
    assert "class 1 (b), radius" in found["C grid"].hovertext[0]


def test_the_curve_lies_below_and_the_oracle_is_named(comparison: Comparison) -> None:
    figure = selection_curve(comparison, 0)
    below = radius_figure(comparison.curves[0])
    assert [t.name for t in figure.data][: len(below.data)] == [t.name for t in below.data]
    assert (
        "curve's maximum is the oracle, not a certificate"
        in figure.layout.title.subtitle.text.replace("<br>", " ")
    )
    assert len(figure.layout.shapes) == len(below.layout.shapes) == 1


def test_without_curves_the_marks_stand_alone(comparison: Comparison) -> None:
    figure = selection_curve(dataclasses.replace(comparison, curves=()), 0)
    assert len(figure.data) == len(comparison.methods)
    assert "no curve was asked for" in figure.layout.title.subtitle.text


def test_an_abstention_has_no_badge(comparison: Comparison) -> None:
    mark = marks(selection_curve(comparison, 2))["grid"]
    assert mark.y[0] == 0.0
    assert mark.marker.symbol[0] == "x-open"
    assert "Nothing certified" in mark.hovertext[0]


def test_every_mark_and_label_lies_inside_the_axes_on_a_row_of_its_own(
    comparison: Comparison,
) -> None:
    figure = selection_curve(comparison, 0)
    low, high = figure.layout.yaxis.range
    heights = [t.y[1] for t in marks(figure).values()]
    assert len(set(heights)) == len(heights)
    for trace in marks(figure).values():
        assert low < trace.y[0] < trace.y[1] < high
        assert 0 < trace.x[0] < figure.layout.xaxis.range[1]


def test_words_and_refusals(comparison: Comparison) -> None:
    assert "grid sigma 0.25, radius" in alt_text(selection_curve(comparison, 0))
    for image in (-1, 3):
        with pytest.raises(ParameterError, match="holds 3"):
            selection_curve(comparison, image)
    with pytest.raises(ParameterError, match="nothing to compare"):
        selection_curve(dataclasses.replace(comparison, methods=()), 0)
