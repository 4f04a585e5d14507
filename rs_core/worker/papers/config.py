"""Which table is repeated, in which size, on how many images; and which there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rs_core.datasets import DATASETS
from rs_core.errors import ParameterError
from rs_core.fields import check_params, param
from rs_core.papers.price import price_of, training_passes
from rs_core.papers.runner import RepeatTable
from rs_core.papers.table import SIZES, Size, Table
from rs_core.papers.tables import TABLES, find_table
from rs_core.papers.verdicts import FEWEST_IMAGES
from rs_core.results import to_json
from rs_core.worker.datasets import bare_spec, offered_sets
from rs_core.worker.settings import built

MAX_PASSES = 100_000_000  # those of trainings too: hours of a small network on two cores


@dataclass(frozen=True, kw_only=True)
class PaperOptions:
    """A table by its id, and how much of it."""

    table: str = param(help="id of the table")
    size: Size = param("small", help="small, or the paper's own settings", choices=SIZES)
    limit: int | None = param(
        None, help="certify so many images only, evenly spread; all of the table's by default",
        low=1, high=100_000,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_params(self)


@dataclass(frozen=True)
class PaperTask:
    """A checked table: what was asked, and the table as it is run."""

    options: PaperOptions
    repeat: RepeatTable

    @property
    def table(self) -> Table:
        """The table that is repeated."""
        return self.repeat.table

    @property
    def title(self) -> str:
        """The run's name for people."""
        limit = self.options.limit
        images = "" if limit is None else f", {self.repeat.count} images"
        return f"{self.table.name} ({self.table.size}{images}): {self.table.title}"

    def config(self) -> dict[str, Any]:
        """All settings, as JSON values that `paper_task` takes."""
        found: dict[str, Any] = to_json(self.options)
        return found


def paper_task(config: Mapping[str, Any]) -> PaperTask:
    """The checked table of a config; settings left out have defaults.

    Raises:
        ParameterError, UnknownNameError: a setting is unknown or out of its range, no table has
            that id or size, or it would take more than a run may.
        DataError: its data set does not come along, and RS_DATA names no folder.
    """
    options = built(PaperOptions, config, "a repeated table")
    table = find_table(options.table[:40], options.size)
    task = PaperTask(options, RepeatTable(table=table, limit=options.limit))
    passes = all_passes(task.repeat)
    if passes > MAX_PASSES:
        raise ParameterError(
            f"{table.name} in its {table.size} size can take {passes:,} forward passes: the limit "
            f"is {MAX_PASSES:,} here; run it with rs paper {table.name} --size {table.size}."
        )
    for name in data_of(table):
        bare_spec(name)
    return task


def all_passes(repeat: RepeatTable) -> int:
    """The most forward passes of a table, those of its trainings among them."""
    table, seeds = repeat.table, len(repeat.seeds)
    learning = sum(training_passes(one, one.images or DATASETS[one.dataset].train)
                   for one in table.trainings)  # fmt: skip
    return seeds * learning + price_of(table, seeds=seeds, images=repeat.count).passes


def data_of(table: Table) -> tuple[str, ...]:
    """Names of the data sets that a table needs."""
    named = [table.certified.dataset, *(one.dataset for one in table.trainings)]
    return tuple(dict.fromkeys(named))


def offered_tables() -> list[dict[str, Any]]:
    """What a page shows of each table: name, paper, title, rows, claims, sizes.

    Each size has `images`, `n`, `seeds`, `notes`, and says whether it is `too_much` for a run.
    `missing` names the titles of data sets that are not at hand; on fewer images than
    `fewest_images` no claim can be told.
    """
    here = {one["name"] for one in offered_sets()}
    found: dict[str, dict[str, Any]] = {}
    for (name, size), table in TABLES.items():
        shown = found.setdefault(name, {"name": name, "sizes": {}})
        shown["sizes"][size] = {
            "images": table.certified.count, "n": table.certified.n, "seeds": table.seeds,
            "too_much": all_passes(RepeatTable(table=table)) > MAX_PASSES,
            "notes": list(table.notes),
        }  # fmt: skip
        shown |= {
            "paper": table.paper, "title": table.title, "rows": [row.label for row in table.rows],
            "claims": [claim.words for claim in table.claims], "fewest_images": FEWEST_IMAGES,
            "missing": [DATASETS[one].title for one in data_of(table) if one not in here],
        }  # fmt: skip
    return list(found.values())
