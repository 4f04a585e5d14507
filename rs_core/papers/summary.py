"""A table as it was run: its rows with their scores, its oracles, its verdicts."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from rs_core.datasets import Dataset
from rs_core.errors import ParameterError
from rs_core.papers.factory import pair_of, recipe_of
from rs_core.papers.published import published
from rs_core.papers.scores import Measured
from rs_core.papers.table import Exceeds, Oracle, Row, Table, Training
from rs_core.papers.verdicts import exceeds, reaches
from rs_core.results import to_json
from rs_core.results.paper import OracleRow, RepeatedRow, RepeatedTable, Scores, Verdict


def summary(
    table: Table,
    results: Mapping[str, Sequence[Measured]],
    images: Dataset,
    *,
    seed: int,
    seed_given: bool | None = None,
) -> RepeatedTable:
    """The finished table.

    Args:
        table: what was asked.
        results: of every row, a seed each, by label.
        images: that were certified.
        seed, seed_given: of the noise.
    """
    pixels = images.images.reshape(len(images), -1) / 255
    rows = []
    for row in table.rows:
        counted = pixels if row.count_meeting else None
        rows.append(_row(row, table, [one.scores(counted) for one in results[row.label]]))
    whole = len(images) >= table.certified.count
    return RepeatedTable(
        name=table.name,
        paper=table.paper,
        title=table.title,
        size=table.size,
        dataset=images.title,
        indices=tuple(images.indices.tolist()),
        asked=table.certified.count,
        seed=seed,
        rows=tuple(rows),
        oracles=tuple(oracle_row(one, rows) for one in table.oracles),
        verdicts=tuple(_verdicts(table, results, whole=whole)),
        notes=(*table.notes, *images.notes),
        seed_given=seed_given,
    )


def oracle_row(oracle: Oracle, rows: Sequence[RepeatedRow]) -> OracleRow:
    """The largest certified accuracy of its members at every radius.

    Raises:
        ParameterError: its members have different badges, which are never put together.
    """
    members = [row for row in rows if row.label in oracle.members]
    badges = sorted({one.badge for row in members for one in row.scores})
    if len(badges) > 1:
        raise ParameterError(
            f"{oracle.label} would put badges {' and '.join(badges)} together: name rows of one."
        )
    curves = [mean_curve(row.scores) for row in members]
    return OracleRow(
        label=oracle.label,
        members=oracle.members,
        badge=members[0].scores[0].badge,
        curve=tuple(max(values) for values in zip_longest(*curves, fillvalue=0.0)),
        best_acr=max(row.acr for row in members),
        published=tuple(map(published, oracle.published)),
    )


def mean_curve(scores: Sequence[Scores]) -> tuple[float, ...]:
    """Certified accuracies averaged over the seeds of one row."""
    curves = [one.curve for one in scores]
    return tuple(sum(values) / len(curves) for values in zip_longest(*curves, fillvalue=0.0))


def training_words(row: Row) -> str:
    """How the row's network came about, in words."""
    network = row.network
    if not isinstance(network, Training):
        return f"{network.model}, as it ships"
    recipe = recipe_of(network.recipe)
    low, high = recipe.sigma_range
    sigma = f"sigma {high:g}" if low == high else f"sigma {low:g} to {high:g}"
    images = "" if network.images is None else f", {network.images:,} images"
    return f"{network.recipe.name}, {sigma}, {recipe.epochs} epochs of {network.dataset}{images}"


def _row(row: Row, table: Table, scores: Sequence[Scores]) -> RepeatedRow:
    guarantee = pair_of(row, table.certified).guarantee
    training: dict[str, Any] = to_json(row.network)
    network = row.network.architecture if isinstance(row.network, Training) else row.network.model
    return RepeatedRow(
        label=row.label,
        trained=training_words(row),
        training=training,
        network=network,
        selector=row.selector.name,
        settings=dict(row.selector.settings),
        guarantee=guarantee.name,
        n0=guarantee.n0,
        n=guarantee.n,
        alpha=guarantee.alpha,
        scores=tuple(scores),
        published=tuple(map(published, row.published)),
    )


def _verdicts(
    table: Table, results: Mapping[str, Sequence[Measured]], *, whole: bool
) -> Iterator[Verdict]:
    rows = {row.label: row for row in table.rows}
    for claim in table.claims:
        if isinstance(claim, Exceeds):
            yield exceeds(claim, results)
        else:
            yield reaches(claim, rows[claim.label], results[claim.label], whole=whole)
