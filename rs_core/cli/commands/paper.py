"""`rs paper`: a paper's table repeated, with a verdict on each of its claims; alone, the list."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import torch

from rs_core.cli.choices import MachineChoice
from rs_core.cli.outputs.results import print_json
from rs_core.cli.progress import follow
from rs_core.cli.seeds import is_given, seed_line
from rs_core.cli.signals import interruptible
from rs_core.cli.terminal import told
from rs_core.durable import write_durably
from rs_core.errors import CheckpointError
from rs_core.events import Stream
from rs_core.fields import check_params, param
from rs_core.logs.paper import write_paper, write_verdicts
from rs_core.papers.folder import TableFolder
from rs_core.papers.price import Speeds, price_of, time_words
from rs_core.papers.progress import RowDone
from rs_core.papers.runner import RepeatTable
from rs_core.papers.table import SIZES, Size
from rs_core.papers.tables import TABLES, find_table
from rs_core.results import to_json
from rs_core.results.paper import RepeatedTable
from rs_core.statistics import floor_decimals

PAGE, ROWS, VERDICTS = "page.html", "table.tsv", "verdicts.tsv"


@dataclass(frozen=True, kw_only=True)
class PaperCommand:
    """Repeat a paper's table: train, choose sigma, certify, and set it beside the published rows.

    Without a table, list them. Every finished image is kept in --out; --resume goes on to the same
    bytes.
    """

    leading: ClassVar[str] = "table"

    table: str | None = param(None, help="which; rs paper alone lists them")
    size: Size = param("small", help="small: minutes of two cores; paper: its own settings",
                       choices=SIZES)  # fmt: skip
    data: Path | None = param(None, help="folder that holds the data sets")
    out: Path | None = param(None, help="folder of all files; runs/TABLE-SIZE by default")
    resume: bool = param(False, help="go on from what --out holds")
    limit: int | None = param(None, help="certify so many images only, evenly spread", low=1)
    seeds: tuple[int, ...] | None = param(None, help="seeds of the trainings: 0, 1, ...", low=0)
    machine: MachineChoice = field(default_factory=MachineChoice)
    json: bool = param(False, help="print as JSON")

    def __post_init__(self) -> None:
        check_params(self)

    @property
    def certifies(self) -> bool:
        """Whether anything is drawn."""
        return self.table is not None

    @property
    def folder(self) -> Path:
        """Where all files go."""
        return self.out or Path("runs") / f"{self.table}-{self.size}"

    def recorded_seed(self) -> tuple[int, bool] | None:
        """The seed of what --resume goes on from, and whether it was given."""
        try:
            saved = TableFolder(self.folder).config() if self.resume and self.certifies else None
            return None if saved is None else (int(saved["decides"]["seed"]),
                                               bool(saved["seed_given"]))  # fmt: skip
        except (CheckpointError, KeyError, TypeError, ValueError):  # going on says what is wrong
            return None

    def run(self) -> int:
        """List, or repeat a table; the exit code."""
        if self.machine.threads is not None:
            torch.set_num_threads(self.machine.threads)
        speeds = Speeds(self.machine.device, self.machine.precision)
        if self.table is None:
            self._list(speeds)
            return 0
        repeat = RepeatTable(
            table=find_table(self.table, self.size), seeds=self.seeds or (), limit=self.limit
        )
        if self.resume and TableFolder(self.folder).config() is None:
            raise CheckpointError(
                f"there is no table in {self.folder}: correct --out, or leave --resume out."
            )
        if not self.json:
            cost = price_of(repeat.table, seeds=len(repeat.seeds), images=repeat.count,
                            speeds=speeds)  # fmt: skip
            left = ", less what is finished" if self.resume else ""
            print(f"{repeat.table.paper}: {repeat.table.title} ({self.size}); {cost.words}{left}")
            print(f"{seed_line()}; files go to {self.folder}/", flush=True)
        with _resumable(self.folder, self.table):
            found = follow(self._watched(repeat), label=self.table)
        self._write(found)
        self._print(found)
        return 0

    def _watched(self, repeat: RepeatTable) -> Stream[RepeatedTable]:
        """The stream, with a printed line for each finished row."""
        machine = self.machine
        stream = repeat.run(
            self.folder, seed=machine.noise_seed, data=self.data, device=machine.device,
            precision=machine.precision, batch_size=machine.batch_size, resume=self.resume,
            seed_given=is_given(),
        )  # fmt: skip
        for event in interruptible(stream):
            if isinstance(event, RowDone) and not self.json:
                seed = "" if event.scores.seed is None else f", seed {event.scores.seed}"
                acr = floor_decimals(event.scores.acr, 4)
                print(f"  {event.label}{seed}: ACR {acr}, badge {event.scores.badge}", flush=True)
            yield event

    def _write(self, found: RepeatedTable) -> None:
        from rs_core.plots.papers.report import table_report

        with told(self.folder):
            write_paper(self.folder / ROWS, found)
            write_verdicts(self.folder / VERDICTS, found)
            write_durably(self.folder / PAGE, table_report(found).encode())

    def _print(self, found: RepeatedTable) -> None:
        if self.json:
            print_json(to_json(found))
            return
        for verdict in found.verdicts:
            margin = f", margin {verdict.margin:.4f}" if verdict.margin == verdict.margin else ""
            print(f"{verdict.outcome}: {verdict.claim} ({verdict.difference:+.4f}{margin})")
        print(f"wrote {self.folder / PAGE}, {ROWS}, {VERDICTS} and the logs")

    def _list(self, speeds: Speeds) -> None:
        """Every table with its size and cost; what small ones take is measured on this machine."""
        rows, listed = [], []
        for (name, size), table in TABLES.items():
            measured = speeds if size == "small" else None
            price = price_of(table, seeds=table.seeds, images=table.certified.count,
                             speeds=measured)  # fmt: skip
            took = (
                time_words(price.seconds) if measured else f"{price.passes:.1e} passes to certify"
            )
            rows.append(f"  {name:<24}{size:<7}{took:<28}{table.paper}: {table.title}")
            facts = {"table": name, "size": size, "paper": table.paper, "title": table.title}
            listed.append({**facts, "price": to_json(price)})
        if self.json:
            print(json.dumps(listed))
            return
        print("tables (rs paper TABLE --size SIZE --data FOLDER), with what small ones take here:")
        print("\n".join(rows))


@contextmanager
def _resumable(folder: Path, name: str) -> Iterator[None]:
    """Ctrl-C says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"interrupted; rs paper {name} --out {folder} --resume goes on, with the same options"
        ) from None
