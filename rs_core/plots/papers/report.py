"""The page of a repeated table: verdicts, ours beside the published rows, what each stands on."""

from collections.abc import Iterator, Sequence
from math import isnan

from rs_core.plots.papers.figure import curve_figures
from rs_core.plots.report import Statement, Table, html_report
from rs_core.plots.style import BADGES, BadgeStyle
from rs_core.plots.text import index_text
from rs_core.results.paper import (
    OracleRow,
    Published,
    RepeatedRow,
    RepeatedTable,
    Scores,
    Verdict,
)
from rs_core.seed_origin import seed_words
from rs_core.statistics import floor_decimals

RADII = tuple(0.25 * k for k in range(11))
_NOTES = (
    "An abstention counts as wrong. Every certificate has level alpha by itself.",
    "A verdict compares the same images row by row: held where the mean difference exceeds its "
    "margin, two standard errors over images joined with Student's 97.5 % quantile times that over "
    "seeds; the rule was fixed before the run.",
    "Published rows stand on their own images, draws and networks, as far as the papers say; ACRs "
    "of different images are not comparable to the last digit.",
    "Badges claim different things, and nothing here averages over two of them.",
)
Cell = str | BadgeStyle


def table_report(table: RepeatedTable) -> str:
    """A self-contained HTML document."""
    return html_report(
        f"{table.paper}: {table.title} ({table.name}, {table.size})",
        [Statement(row.scores[0].badge, row_sentence(row, table)) for row in table.rows],
        curve_figures(table),
        report_tables(table),
        report_notes(table),
        settings={
            "table": table.name,
            "size": table.size,
            "indices": list(table.indices),
            "rows": [{"label": row.label, "training": row.training, "selector": row.selector,
                      "settings": row.settings, "guarantee": row.guarantee} for row in table.rows],
        },
    )  # fmt: skip


def report_tables(table: RepeatedTable) -> list[Table]:
    """Verdicts, scores beside the published, oracles if any, and what each row stands on."""
    return [verdict_table(table), scores_table(table), *_oracle_tables(table), origin_table(table)]


def report_notes(table: RepeatedTable) -> list[str]:
    """In what this differs from the paper, what is odd about its rows, and how to read it."""
    return [*table.notes, *_published_notes(table), *_NOTES]


def command_text(table: RepeatedTable) -> str:
    """The command that repeats the table, but for the folder of its data."""
    options = [f"--size {table.size}", "--data FOLDER", f"--seed {table.seed}"]
    seeds = {one.seed for row in table.rows for one in row.scores} - {None}
    if seeds - {0}:
        options.append("--seeds " + " ".join(str(seed) for seed in sorted(seeds, key=str)))
    if len(table.indices) < table.asked:
        options.append(f"--limit {len(table.indices)}")
    return f"rs paper {table.name} {' '.join(options)}"


def row_sentence(row: RepeatedRow, table: RepeatedTable) -> str:
    """What may be quoted of a row, with all that it stands on."""
    each = "; ".join(_score_words(one) for one in row.scores)
    return (
        f"{row.label}: {each}. {_network(row)}, weights "
        f"{', '.join(one.weights_id for one in row.scores)} in {row.scores[0].precision}; sigma by "
        f"{row.selector}, certified by {row.guarantee}, n0={row.n0:,}, n={row.n:,}, "
        f"alpha={row.alpha:g}; {index_text(table, short=True)}; {_seed_words(table)}."
    )


def verdict_table(table: RepeatedTable) -> Table:
    """Every claim, how it came out, and the numbers behind that."""
    header = (
        *("claim", "verdict", "compared", "difference", "margin", "images", "seeds"),
        *("badges", "limits"),
    )
    rows = [_verdict_cells(verdict) for verdict in table.verdicts]
    return Table(f"Claims of {table.paper}, and how they came out", header, rows)


def scores_table(table: RepeatedTable) -> Table:
    """Ours and, under each row, what was published."""
    rows: list[Sequence[Cell]] = []
    for row in table.rows:
        rows += [_own_cells(row, one) for one in row.scores]
        rows += [_published_cells(one) for one in row.published]
    header = ("row", "whose", "badge", "ACR", *(f"r={radius:g}" for radius in RADII))
    most = max(_reached(row) for row in rows)  # radii that nobody reaches would hide the others
    header, rows = header[:most], [row[:most] for row in rows]
    return Table("Average certified radius and certified accuracy, rounded down", header, rows)


def origin_table(table: RepeatedTable) -> Table:
    """What every row stands on: images, draws, level, network, weights."""
    rows: list[Sequence[Cell]] = []
    for row in table.rows:
        for one in row.scores:
            rows.append(
                (row.label, _whose(one), BADGES[one.badge], index_text(table, short=True),
                 f"{row.n0:,}", f"{row.n:,}", f"{row.alpha:g}", _network(row), one.weights_id,
                 f"{one.mean_sigma:.3f}", f"{one.draws:,.0f}", f"{one.evaluated:.2f}",
                 "" if one.meeting is None else str(one.meeting),
                 floor_decimals(one.mean_radius, 3), str(one.abstained))
            )  # fmt: skip
        for told in row.published:
            rows.append((_name(told), told.paper, "-", f"{told.dataset}: {told.images}",
                         *_draws(told), told.network, *("-",) * 7))  # fmt: skip
    header = (
        "row", "whose", "badge", "images", "n0", "n", "alpha", "network", "weights", "mean sigma",
        "draws that choose", "sigmas evaluated", "balls that meet", "mean radius, label-free",
        "abstained",
    )  # fmt: skip
    return Table("What each row stands on", header, rows)


def _network(row: RepeatedRow) -> str:
    """Architecture and training; a shipped network's name says both."""
    return row.trained if row.network in row.trained else f"{row.network} by {row.trained}"


def _seed_words(table: RepeatedTable) -> str:
    return seed_words(table.seed, claims=True) if table.seed_given else f"noise seed {table.seed}"


def _oracle_tables(table: RepeatedTable) -> Iterator[Table]:
    if not table.oracles:
        return
    rows: list[Sequence[Cell]] = []
    for oracle in table.oracles:
        rows.append(
            (oracle.label, "ours, an oracle", BADGES[oracle.badge],
             f"best member {floor_decimals(oracle.best_acr, 3)}",
             *(floor_decimals(_at(oracle, radius), 3) for radius in RADII))
        )  # fmt: skip
        rows += [_published_cells(one) for one in oracle.published]
    header = ("row", "whose", "badge", "ACR", *(f"r={radius:g}" for radius in RADII))
    yield Table("Oracles: the best row at every radius, not one classifier", header, rows)


def _own_cells(row: RepeatedRow, one: Scores) -> Sequence[Cell]:
    accuracies = (floor_decimals(one.accuracy(radius), 3) for radius in RADII)
    return (row.label, _whose(one), BADGES[one.badge], floor_decimals(one.acr, 3), *accuracies)


def _published_cells(told: Published) -> Sequence[Cell]:
    known = dict(told.certified)
    cells = (f"{known[radius]:.3f}" if radius in known else "-" for radius in RADII)
    acr = "not reported" if told.acr is None else f"{told.acr:.3f}"
    whose = f"{told.paper} {told.table}" if told.paper != "public logs" else told.paper
    return (_name(told), f"{whose}, an oracle" if told.oracle else whose, "-", acr, *cells)


def _name(told: Published) -> str:
    return f"{told.method}, sigma {told.sigma}"


def _reached(row: Sequence[Cell]) -> int:
    """How many cells it is to the last radius at which something is certified."""
    told = [place for place, cell in enumerate(row) if cell not in ("-", "0.000")]
    return max([*told, 4]) + 1  # radius 0 is always shown


def _draws(told: Published) -> tuple[str, str, str]:
    numbers = (told.n0, told.n, told.alpha)
    n0, n, alpha = ("not stated" if one is None else f"{one:,g}" for one in numbers)
    return n0, n, alpha


def _at(oracle: OracleRow, radius: float) -> float:
    place = round(radius / 0.05)
    return oracle.curve[place] if place < len(oracle.curve) else 0.0


def _whose(one: Scores) -> str:
    return "ours" if one.seed is None else f"ours, seed {one.seed}"


def _score_words(one: Scores) -> str:
    seed = "" if one.seed is None else f" (seed {one.seed})"
    return (
        f"average certified radius {floor_decimals(one.acr, 3)}, clean "
        f"{floor_decimals(one.accuracy(0.0), 3)}{seed}"
    )


def _verdict_cells(verdict: Verdict) -> Sequence[Cell]:
    return (
        verdict.claim, verdict.outcome, verdict.compared,
        "-" if isnan(verdict.difference) else f"{verdict.difference:+.4f}",
        "-" if isnan(verdict.margin) else f"{verdict.margin:.4f}",
        str(verdict.images), str(verdict.seeds), " and ".join(dict.fromkeys(verdict.badges)),
        verdict.reason or "-",
    )  # fmt: skip


def _published_notes(table: RepeatedTable) -> Iterator[str]:
    told = [one for row in table.rows for one in row.published]
    told += [one for oracle in table.oracles for one in oracle.published]
    for one in dict.fromkeys(told):
        if one.note:
            yield f"{one.paper} {one.table}, {_name(one)}: {one.note}."
    if len(table.indices) < table.asked:
        yield f"{len(table.indices)} of the table's {table.asked} images were certified."
