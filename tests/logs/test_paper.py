"""The tables of a repeated table, as they are read again."""

import csv
import io
from dataclasses import replace

from rs_core.logs.columns import PAPER_COLUMNS
from rs_core.logs.paper import write_paper, write_verdicts
from tests.plots.papers.test_figure import ROW, TABLE, TOLD


def rows(table: object) -> list[dict[str, str]]:
    text = io.StringIO()
    write_paper(text, table)  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(text.getvalue()), delimiter="\t"))


def test_ours_stand_beside_the_published_and_the_oracle() -> None:
    found = rows(TABLE)
    assert [row["source"] for row in found] == ["ours", "ours", "PFAT T1", "oracle", "PFAT T1"]
    assert tuple(found[0]) == PAPER_COLUMNS
    assert float(found[0]["acr"]) == 0.1234
    assert (found[1]["training_seed"], found[1]["r=0"]) == ("1", "0.8")
    assert (found[0]["weights"], found[0]["guarantee_badge"]) == ("abcd1234", "C")
    assert found[0]["indices"] == "0:60:20"
    assert (found[2]["acr"], found[2]["alpha"], found[2]["n"]) == ("", "", "100000")
    assert found[2]["indices"] == "test set"


def test_uneven_indices_are_listed() -> None:
    assert rows(replace(TABLE, indices=(0, 3, 20)))[0]["indices"] == "0 3 20"


def test_a_formula_is_no_formula() -> None:
    told = replace(TOLD, note="=1+1")
    found = rows(replace(TABLE, rows=(replace(ROW, published=(told,)),), oracles=()))
    assert found[2]["note"] == "'=1+1"


def test_verdicts_have_a_row_each() -> None:
    text = io.StringIO()
    write_verdicts(text, TABLE)
    (row,) = csv.DictReader(io.StringIO(text.getvalue()), delimiter="\t")
    assert (row["verdict"], row["badges"], row["margin"]) == ("cannot be told", "C,A", "")
