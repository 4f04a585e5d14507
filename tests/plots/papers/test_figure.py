"""The curves of a repeated table: what is in their tuple is what is drawn."""

from dataclasses import replace

import pytest

from rs_core.plots.papers.figure import curve_figures, curves_info, mean_curve
from rs_core.plots.papers.report import (
    command_text,
    origin_table,
    row_sentence,
    scores_table,
    table_report,
    verdict_table,
)
from rs_core.plots.style import BADGES
from rs_core.results.paper import (
    OracleRow,
    Published,
    RepeatedRow,
    RepeatedTable,
    Scores,
    Verdict,
)


def scores(seed: int | None, *curve: float) -> Scores:
    return Scores(seed, "abcd1234", "fp32", "C", 40, 3, 0.1234, 0.2, curve, 0.3, 60.0, 3.0, 5)


TOLD = Published(
    "k", "PFAT", "T1", "MNIST", "PFAT", "envelope", ((0.0, 0.99), (0.25, 0.98)), None, "l2",
    "test set", None, 100_000, None, "LeNet", True, "an oracle; odd",
)  # fmt: skip
ROW = RepeatedRow(
    "picked", "gaussian, 2 epochs", {"recipe": "gaussian"}, "lenet", "grid", {"n": 20}, "frozen",
    100, 4000, 0.001, (scores(0, 1.0, 0.5), scores(1, 0.8, 0.5, 0.1)), (TOLD,),
)  # fmt: skip
VERDICT = Verdict(
    "picking pays", "ACR", ("C", "A"), 0.01, float("nan"), 40, 2, "cannot be told", "few images"
)
TABLE = RepeatedTable(
    "pfat-table9", "PFAT", "Nothing", "small", "MNIST test", (0, 20, 40), 500, 7, (ROW,),
    (OracleRow("best", ("picked",), "C", (0.9, 0.5), 0.12, (TOLD,)),), (VERDICT,), ("short",), True,
)  # fmt: skip


def test_a_curve_is_the_mean_over_seeds() -> None:
    assert mean_curve(ROW) == pytest.approx((0.9, 0.5, 0.05))
    (info, oracles) = curves_info(TABLE)
    assert info.curves[0].radii == (0.0, 0.05, 0.1)
    assert info.curves[0].published == (("PFAT T1: PFAT", TOLD.certified),)
    assert "oracle" in oracles.subtitle


def test_the_figure_draws_its_tuple() -> None:
    line, points = curve_figures(TABLE)[0].data
    assert tuple(line.y) == pytest.approx(mean_curve(ROW))
    assert tuple(points.x) == (0.0, 0.25)
    assert points.marker.color == line.line.color


def test_many_rows_make_several_figures() -> None:
    rows = tuple(replace(ROW, label=f"row {k}") for k in range(8))
    titles = [info.title for info in curves_info(replace(TABLE, rows=rows, oracles=()))]
    assert titles == ["pfat-table9 (1 of 2)", "pfat-table9 (2 of 2)"]


def test_logs_of_several_seeds_are_one_row_of_points() -> None:
    log = replace(TOLD, paper="public logs", method="cohen", sigma="0.25")
    (info, _) = curves_info(replace(TABLE, rows=(replace(ROW, published=(log,) * 5),)))
    assert [name for name, _ in info.curves[0].published] == ["public log: cohen 0.25"]


def test_a_row_without_a_certified_image_is_drawn() -> None:
    empty = replace(ROW, scores=(scores(None),), published=())
    figure = curve_figures(replace(TABLE, rows=(empty,), oracles=()))[0]
    assert "no image is certified" in figure.layout.meta["alt"]


def test_a_sentence_names_all_that_a_row_stands_on() -> None:
    said = row_sentence(ROW, TABLE)
    for words in (
        "0.123", "abcd1234 in fp32", "lenet", "n0=100, n=4,000", "alpha=0.001",
        "3 images of MNIST test", "grid", "frozen", "seed 7 given",
    ):  # fmt: skip
        assert words in said


def test_ours_and_the_published_stand_under_each_other() -> None:
    header, rows = scores_table(TABLE).header, scores_table(TABLE).rows
    assert [row[1] for row in rows] == ["ours, seed 0", "ours, seed 1", "PFAT T1, an oracle"]
    assert rows[2][3] == "not reported"
    assert header[4:] == ("r=0", "r=0.25")  # further out nobody reaches
    assert rows[2][4:] == ("0.990", "0.980")
    assert verdict_table(TABLE).rows[0][1] == "cannot be told"


def test_radius_0_is_shown_even_where_nothing_is_certified() -> None:
    nothing = replace(scores(None), acr=0.0)
    table = replace(TABLE, rows=(replace(ROW, scores=(nothing,), published=()),), oracles=())
    assert scores_table(table).header == ("row", "whose", "badge", "ACR", "r=0")


def test_every_row_names_what_it_stands_on() -> None:
    """Ours its badge, images, draws, level, network and weights; theirs what they state."""
    ours, _, theirs = origin_table(TABLE).rows
    images = "3 images of MNIST test, index 0, 20, 40"
    assert ours[2:7] == (BADGES["C"], images, "100", "4,000", "0.001")
    assert ours[8] == "abcd1234"
    assert theirs[2:8] == ("-", "MNIST: test set", "not stated", "100,000", "not stated", "LeNet")


def test_the_command_repeats_seeds_and_images() -> None:
    told = command_text(TABLE)
    expected = "--size small --data FOLDER --seed 7 --seeds 0 1 --limit 3"
    assert told == f"rs paper pfat-table9 {expected}"
    alone = replace(TABLE, asked=3, rows=(replace(ROW, scores=(scores(0),)),))
    assert "--seeds" not in command_text(alone)
    assert "--limit" not in command_text(alone)


def test_the_page_stands_alone_and_escapes() -> None:
    page = table_report(replace(TABLE, title="<b>bold</b>"))
    assert "<b>bold" not in page
    for words in ("not stated", "an oracle; odd", "3 of the table", "balls that meet"):
        assert words in page
    assert "http-equiv" in page
