import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_core.errors import ParameterError
from rs_core.plots import alt_text, search_trace, sparkline
from rs_core.results import Selection

GRID = Selection("grid", 0.5, ((0.5, 0.3), (0.1, 0.05), (0.25, 0.2)), 3000)
PATH = Selection("gradient", 0.31, ((0.25, 0.1), (0.27, 0.12), (0.3, 0.15)), 3)


def test_a_grid_is_drawn_against_sigma_and_the_choice_is_marked() -> None:
    line, chosen = search_trace(GRID).data
    assert list(line.x) == [0.1, 0.25, 0.5]
    assert list(line.y) == [0.05, 0.2, 0.3]
    assert (chosen.x[0], chosen.y[0]) == (0.5, 0.3)
    assert chosen.marker.symbol != line.marker.symbol
    assert "3 candidates, chosen sigma 0.5" in alt_text(search_trace(GRID))


def test_a_path_is_drawn_against_its_steps_and_ends_at_the_choice() -> None:
    line, chosen = search_trace(PATH).data
    assert list(line.x) == [0, 1, 2]
    assert list(line.y) == [0.25, 0.27, 0.3]
    assert (chosen.x[0], chosen.y[0]) == (3, 0.31)
    assert "step" in search_trace(PATH).layout.xaxis.title.text


def test_sparklines_are_the_same_numbers() -> None:
    assert sparkline(GRID) == [0.05, 0.2, 0.3]
    assert sparkline(PATH) == [0.25, 0.27, 0.3]
    assert sparkline(Selection("fixed", 0.25, (), 0)) == []


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=300))
def test_a_cell_holds_few_finite_numbers(scores: list[float]) -> None:
    rows = tuple((0.01 * (k + 1), score) for k, score in enumerate(scores))
    cells = sparkline(Selection("grid", 0.5, rows, 0))
    assert len(cells) <= 60
    assert all(math.isfinite(value) for value in cells)
    assert bool(cells) == any(math.isfinite(score) for score in scores)


def test_no_candidates_are_no_search() -> None:
    with pytest.raises(ParameterError, match="fixed looked at no candidates"):
        search_trace(Selection("fixed", 0.25, (), 0))
