"""How far a table is: what is being done, what is kept, and the rows that are finished."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rs_core.events import PhaseStep, Progress, Step
from rs_core.papers.scores import Measured
from rs_core.papers.table import Exceeds, Table
from rs_core.results.paper import RepeatedTable, Scores
from rs_core.training import EpochDone


@dataclass(frozen=True)
class TableStep(PhaseStep):
    """A table under way, in forward passes; `kept` says that more than before is on disk."""

    kept: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class RowDone(TableStep):
    """A row of the table is finished with one seed.

    Fields:
        label, scores: of the row.
        so_far: the table of all rows that are finished, with the claims that are about them
            alone; None while no row has all of its seeds.
    """

    label: str
    scores: Scores
    so_far: RepeatedTable | None


class TableProgress(Progress[TableStep]):
    """The way through a table, in forward passes."""

    def step(self, done: int, phase: str, event: Step | None) -> TableStep:
        """What is being done, in words; an epoch's end is on disk."""
        return TableStep(done, self.total, phase, kept=isinstance(event, EpochDone))


def finished_part(
    table: Table, results: Mapping[str, Sequence[Measured]], seeds: Mapping[str, int]
) -> Table | None:
    """The table of the rows that have all their seeds; None where there is none.

    Args:
        table: all of it.
        results: what is measured of each row, by label, a seed each.
        seeds: how many each row has.
    """
    rows = tuple(row for row in table.rows if len(results.get(row.label, ())) == seeds[row.label])
    if not rows:
        return None
    there = {row.label for row in rows}
    claims = tuple(
        claim
        for claim in table.claims
        if ({claim.larger, claim.smaller} if isinstance(claim, Exceeds) else {claim.label}) <= there
    )
    oracles = tuple(one for one in table.oracles if set(one.members) <= there)
    return replace(table, rows=rows, claims=claims, oracles=oracles)
