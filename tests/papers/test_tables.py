"""Every table is JSON, can be built, and says what the papers say."""

import json

import pytest

from rs_core.errors import ParameterError, UnknownNameError
from rs_core.papers.factory import pair_of, recipe_of, selector_of
from rs_core.papers.price import price_of
from rs_core.papers.published import published
from rs_core.papers.runner import RepeatTable
from rs_core.papers.table import Certified, Choice, Row, Shipped, Table
from rs_core.papers.tables import TABLES, find_table, table_names
from rs_core.results import from_json, to_json
from tests.papers.tiny import FIXED, GRID, PICKED, TINY, with_rows

SMALL_PASSES = 60_000_000  # about half an hour of two cores by LeNet


def name(table: Table) -> str:
    return f"{table.name}-{table.size}"


@pytest.mark.parametrize("table", TABLES.values(), ids=name)
def test_a_table_is_json_and_names_published_rows(table: Table) -> None:
    text = json.dumps(to_json(table))
    assert json.loads(text)["name"] == table.name
    for row in (*table.rows, *table.oracles):
        assert all(published(key).key == key for key in row.published)
    assert table.claims
    assert table.certified.alpha == 0.001
    assert table.certified.n == 100_000 or table.size == "small"


@pytest.mark.parametrize("table", TABLES.values(), ids=name)
def test_a_table_can_be_built(table: Table) -> None:
    repeat = RepeatTable(table=table)
    assert repeat.seeds == tuple(range(table.seeds))
    cost = price_of(table, seeds=len(repeat.seeds), images=repeat.count)
    assert cost.passes < SMALL_PASSES or table.size == "paper"
    assert "time not measured" in cost.words


def test_tables_are_found_by_id_and_size() -> None:
    assert find_table("pfat-table6", "small").paper == "PFAT"
    with pytest.raises(UnknownNameError, match="Did you mean 'pfat-table6'"):
        find_table("pfat-table7", "small")
    with pytest.raises(ParameterError, match="has no size 'paper': give small"):
        find_table("yardstick-recipes", "paper")
    assert {"yardstick-gaussian", "ddrs-table1-certify", "insta-table1"} <= {*table_names()}


def test_the_yardstick_has_the_logs_settings() -> None:
    table = find_table("yardstick-gaussian", "paper")
    recipe = recipe_of(table.rows[0].network.recipe)  # type: ignore[union-attr]
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate) == (90, 256, 0.01)
    assert not recipe.nesterov
    assert recipe.decay_all
    assert table.certified == Certified("mnist", count=500, n=100_000)
    assert table.seeds == 3


def test_a_claim_about_no_row_is_refused() -> None:
    with pytest.raises(ParameterError, match="has no row 'picked'"):
        Table("t", "p", "t", "small", TINY.certified, (FIXED,), TINY.claims)
    with pytest.raises(ParameterError, match="each its own label"):
        with_rows(FIXED, FIXED)


@pytest.mark.parametrize(
    ("choice", "match"),
    [
        (Choice("grids"), "unknown selector"),
        (Choice("grid", {"sigma": 0.5}), "'sigma' is no setting of the selector grid"),
        (Choice("grid", {"n": 0}), "n=0 is out of range"),
    ],
)
def test_a_choice_that_cannot_be_built_is_refused(choice: Choice, match: str) -> None:
    with pytest.raises((UnknownNameError, ParameterError), match=match):
        selector_of(choice)


def test_a_recipe_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown recipe 'gauss'"):
        recipe_of(Choice("gauss"))


def test_a_pair_without_sense_is_refused() -> None:
    row = Row("x", Shipped("mnist-conv4"), Choice("grid", GRID), Choice("global_sigma"))
    with pytest.raises(ParameterError, match="one noise level fixed beforehand"):
        pair_of(row, TINY.certified)
    l1 = Row("x", Shipped("mnist-conv4"), Choice("fixed"), Choice("global_lambda"))
    with pytest.raises(ParameterError, match="take a guarantee of l2"):
        pair_of(l1, TINY.certified)


def test_grid_minimum_declares_what_the_selector_can_answer() -> None:
    row = Row("x", Shipped("mnist-conv4"), Choice("grid", GRID), Choice("grid_minimum"))
    pair = pair_of(row, TINY.certified)
    assert pair.guarantee.sigmas == pytest.approx((0.1, 0.2, 0.3))  # type: ignore[attr-defined]


def test_a_table_comes_back_from_json_as_it_was() -> None:
    one = from_json(Choice, to_json(PICKED.selector))
    assert one == PICKED.selector


def test_every_paper_has_its_own_training() -> None:
    """And the sigmas that a first stage assigned are what a second one keeps."""
    known = {}
    for table in TABLES.values():
        for one in table.trainings:
            own = one.recipe.settings.get("per_image")
            known.setdefault(table.paper, set()).add(own and own["name"])
            assert (own is not None and own["name"] == "stored") <= (one.after is not None)
    assert known["DDRS"] == {None, "data_dependent"}
    assert known["PFAT"] == {None, "pretrain_finetune"}
    assert known["Insta-RS"] == {None, "insta", "stored"}
