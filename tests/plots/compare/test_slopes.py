import dataclasses
import json
from statistics import median

import pytest

from rs_core.errors import ParameterError
from rs_core.plots import BADGES, alt_text, slope_chart
from rs_core.plots.compare.points import by_badge, method_names, slope_groups
from rs_core.results.comparison import Comparison, oracle_radii
from tests.plots.conftest import WON, method


def traces(figure, name: str) -> list:
    return [t for t in figure.data if t.name.startswith(name)]


def test_methods_stand_with_their_badge_and_a_gap_between(comparison: Comparison) -> None:
    certified, frozen, oracle = slope_groups(comparison, [])
    assert (certified.badge, frozen.badge, oracle.badge) == ("A", "C", None)
    assert certified.names == ("fixed", "multistart, grid minimum")
    assert frozen.names == ("grid", "multistart")
    assert oracle.names == ("oracle, not a certificate",)
    assert certified.places == (0.0, 1.0)
    assert frozen.places[0] - certified.places[-1] > 1.5
    assert oracle.places[0] - frozen.places[-1] > 1.5


def test_no_line_leads_from_one_badge_to_another(comparison: Comparison) -> None:
    figure = slope_chart(comparison)
    first, second = (t.x for t in traces(figure, "images"))
    assert max(x for x in first if x is not None) < min(x for x in second if x is not None)
    for line in (first, second):
        assert [k for k, x in enumerate(line) if x is None] == [2, 5, 8]
    for medians in traces(figure, "median"):
        assert max(medians.x) - min(medians.x) <= 1.0


def test_each_fate_has_a_marker_of_its_own_and_abstentions_lie_at_zero(
    comparison: Comparison,
) -> None:
    figure = slope_chart(comparison, ["a", "b", "c"])
    (right,) = traces(figure, "certified, right class")
    (wrong,) = traces(figure, "certified, wrong class")
    (silent,) = traces(figure, "abstains: nothing certified")
    # The tables count, badge by badge: a sum over badges would be a score of unlike claims.
    assert (len(right.x), len(wrong.x), len(silent.x)) == (7, 1, 4)
    assert len({(t.marker.symbol, t.marker.color) for t in (right, wrong, silent)}) == 3
    assert len({t.marker.symbol for t in (right, wrong, silent)}) == 3
    assert set(silent.y) == {0.0}
    assert "&lt;b&gt;two&lt;/b&gt;</b> (index 25)<br>true class 1 (b)" in wrong.hovertext[0]
    assert "class 0 (a), radius" in wrong.hovertext[0]
    assert "C Fixed sigma" in wrong.hovertext[0]
    assert "Nothing certified" in silent.hovertext[0]


def test_the_median_counts_wrong_and_silent_as_zero(comparison: Comparison) -> None:
    _, frozen, oracle = slope_groups(comparison, [])
    won = comparison.methods[2].certificates
    assert frozen.medians == (0.0, median(c.radius for c in won))
    assert oracle.medians == (median(oracle_radii(comparison)),)
    two = slope_groups(_first(comparison, 2), [])[1]
    assert two.medians[0] == comparison.methods[0].certificates[0].radius / 2


def _first(comparison: Comparison, count: int) -> Comparison:
    methods = tuple(
        dataclasses.replace(m, selections=m.selections[:count], certificates=m.certificates[:count])
        for m in comparison.methods
    )
    cut = {n: getattr(comparison, n)[:count] for n in ("indices", "names", "digests", "labels")}
    return dataclasses.replace(comparison, methods=methods, curves=(), **cut)


def test_the_oracle_is_labelled_and_needs_curves(comparison: Comparison) -> None:
    figure = slope_chart(comparison)
    (oracle,) = traces(figure, "oracle, not a certificate")
    assert list(oracle.y) == list(oracle_radii(comparison))
    assert "oracle,<br>not a certificate" in figure.layout.xaxis.ticktext
    bare = slope_chart(dataclasses.replace(comparison, curves=()))
    assert not traces(bare, "oracle")
    assert len(bare.layout.shapes) == 1


def test_a_block_is_headed_by_its_badge_in_letter_word_colour_and_shape(
    comparison: Comparison,
) -> None:
    for letter in "AC":
        badge = BADGES[letter]
        (heading,) = [t for t in slope_chart(comparison).data if t.text == (badge.text,)]
        assert (heading.marker.symbol, heading.marker.color) == (badge.marker, badge.colour)


def test_images_without_a_label_are_not_called_right(comparison: Comparison) -> None:
    unknown = dataclasses.replace(comparison, labels=(None,) * 3, dataset="")
    figure = slope_chart(unknown)
    assert not traces(figure, "certified, right")
    (known,) = traces(figure, "certified, true class unknown")
    assert "index" not in known.hovertext[0]


def test_200_images_are_few_traces(comparison: Comparison) -> None:
    votes, sigmas = (WON,) * 200, (0.25,) * 200
    many = dataclasses.replace(
        comparison,
        indices=tuple(range(200)), names=("x",) * 200, digests=("d",) * 200, labels=(1,) * 200,
        methods=tuple(method(f"m{k}", "frozen", "C", votes, sigmas) for k in range(12)),
        curves=(),
    )  # fmt: skip
    figure = slope_chart(many)
    assert len(figure.data) <= 8
    assert len(json.dumps(figure.to_plotly_json(), default=list)) < 1_000_000


def test_names_are_all_different(comparison: Comparison) -> None:
    grid = comparison.methods[0]
    assert method_names((grid, grid, grid)) == ("grid", "grid #2", "grid #3")
    assert by_badge((grid,)) == [("C", [0])]


def test_words_for_those_who_do_not_see_it(comparison: Comparison) -> None:
    words = alt_text(slope_chart(comparison))
    assert "3 images" in words
    assert "C Fixed sigma: median grid 0.00000, multistart" in words


def test_nothing_and_mixed_norms_are_refused(comparison: Comparison) -> None:
    with pytest.raises(ParameterError, match="nothing to compare"):
        slope_chart(dataclasses.replace(comparison, methods=()))
    odd = dataclasses.replace(comparison.methods[0].certificates[0], norm="l1")
    mixed = dataclasses.replace(
        comparison.methods[0], certificates=(odd, *comparison.methods[0].certificates[1:])
    )
    with pytest.raises(ParameterError, match="l1 and l2"):
        slope_chart(dataclasses.replace(comparison, methods=(mixed,)))
