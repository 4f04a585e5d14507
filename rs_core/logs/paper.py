"""A repeated table as two tab-separated ones: its rows beside the published, its verdicts."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import isnan
from os import PathLike
from typing import TextIO

from rs_core.logs.columns import PAPER_COLUMNS, PAPER_RADII, VERDICT_COLUMNS
from rs_core.logs.tables import exact_text, settings_cell, text_cell, whole_text, write_table
from rs_core.results.paper import STEP, OracleRow, Published, RepeatedRow, RepeatedTable, Scores


def write_paper(target: str | PathLike[str] | TextIO, table: RepeatedTable) -> None:
    """Writes a row per row and seed, each followed by the published rows beside it.

    `source` is "ours", "oracle" (the best of several rows per radius, no classifier) or the paper;
    what a paper does not state is left empty.

    Raises:
        DataError: the file cannot be written.
    """
    write_table(target, PAPER_COLUMNS, list(_rows(table)))


def write_verdicts(target: str | PathLike[str] | TextIO, table: RepeatedTable) -> None:
    """Writes a row per claim: how it came out, and the numbers behind that.

    Raises:
        DataError: the file cannot be written.
    """
    rows = [
        [
            text_cell(one.claim), text_cell(one.outcome), text_cell(one.compared),
            _known(one.difference), _known(one.margin), str(one.images), str(one.seeds),
            ",".join(one.badges), text_cell(one.reason),
        ]
        for one in table.verdicts
    ]  # fmt: skip
    write_table(target, VERDICT_COLUMNS, rows)


def _known(value: float) -> str:
    return "" if isnan(value) else exact_text(value)


def _rows(table: RepeatedTable) -> Iterator[list[str]]:
    for row in table.rows:
        for scores in row.scores:
            yield _own(row, scores, table)
        yield from (_told(row.label, one) for one in row.published)
    for oracle in table.oracles:
        yield _oracle(oracle, table)
        yield from (_told(oracle.label, one) for one in oracle.published)


def _own(row: RepeatedRow, one: Scores, table: RepeatedTable) -> list[str]:
    return [
        text_cell(row.label), "ours", whole_text(one.seed), exact_text(one.acr),
        *(exact_text(one.accuracy(radius)) for radius in PAPER_RADII),
        exact_text(one.mean_radius), exact_text(one.mean_sigma), exact_text(one.draws),
        exact_text(one.evaluated), whole_text(one.meeting), one.badge, str(one.abstained),
        str(one.images), _index_words(table.indices), str(row.n0), str(row.n),
        exact_text(row.alpha), text_cell(row.network), text_cell(row.trained), one.weights_id,
        one.precision, row.selector, settings_cell(row.settings), row.guarantee, str(table.seed),
        text_cell(table.dataset), "",
    ]  # fmt: skip


def _index_words(indices: Sequence[int]) -> str:
    """All of them, or first, end and step as a slice where the steps are even."""
    steps = {after - before for before, after in pairwise(indices)}
    if len(indices) > 2 and len(steps) == 1:
        step = steps.pop()
        return f"{indices[0]}:{indices[-1] + step}:{step}"
    return " ".join(map(str, indices))


def _oracle(oracle: OracleRow, table: RepeatedTable) -> list[str]:
    places = (round(radius / STEP) for radius in PAPER_RADII)
    curve = [oracle.curve[k] if k < len(oracle.curve) else 0.0 for k in places]
    told = text_cell(f"the best of {', '.join(oracle.members)} at every radius")
    named = {
        "row": text_cell(oracle.label), "source": "oracle", "acr": exact_text(oracle.best_acr),
        "guarantee_badge": oracle.badge, "images": str(len(table.indices)),
        "dataset": text_cell(table.dataset), "note": told,
    }  # fmt: skip
    return _cells(named, curve)


def _told(label: str, one: Published) -> list[str]:
    known = dict(one.certified)
    named = {
        "row": text_cell(label), "source": text_cell(f"{one.paper} {one.table}"),
        "acr": exact_text(one.acr), "indices": text_cell(one.images), "n0": whole_text(one.n0),
        "n": whole_text(one.n), "alpha": exact_text(one.alpha), "network": text_cell(one.network),
        "trained": text_cell(f"{one.method}, sigma {one.sigma}"),
        "dataset": text_cell(one.dataset), "note": text_cell(one.note),
    }  # fmt: skip
    return _cells(named, [known.get(radius) for radius in PAPER_RADII])


def _cells(named: dict[str, str], curve: Sequence[float | None]) -> list[str]:
    pairs = zip(PAPER_RADII, curve, strict=True)
    at = {f"r={radius:g}": exact_text(share) for radius, share in pairs}
    return [(named | at).get(column, "") for column in PAPER_COLUMNS]
