"""A table as the worker repeats it: in short steps, watched, from where it was when it died."""

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

from rs_core.datasets import DATASETS
from rs_core.durable import write_durably
from rs_core.errors import CheckpointError
from rs_core.events import Finished, Step, Stream
from rs_core.papers.images import TableImages, load_images
from rs_core.papers.progress import RowDone, TableStep
from rs_core.results import to_json
from rs_core.results.paper import RepeatedTable
from rs_core.strict_json import parse_json
from rs_core.worker.datasets import DATA_VARIABLE, read_aside
from rs_core.worker.job import PaperStep
from rs_core.worker.papers.config import PaperTask, data_of
from rs_core.worker.tasks.family import BATCH_SIZE

_SO_FAR = "so-far.json"


class Repetition:
    """One run of a table.

    Args:
        task: what is asked for.
        folder: of all that is kept; a table that it holds goes on.
        seed, seed_given, device: as the request has them.
    """

    def __init__(
        self, task: PaperTask, folder: Path, *, seed: int, seed_given: bool, device: str
    ) -> None:
        self._task, self._folder = task, folder
        self._seed, self._seed_given, self._device = seed, seed_given, device
        self._partial: dict[str, Any] | None = None

    def run(self) -> Stream[RepeatedTable]:
        """Yields steps, then the table.

        Raises:
            DataError: the data are missing or damaged.
            CheckpointError: what was kept cannot be gone on with.
        """
        names = data_of(self._task.table)
        words = " and ".join(DATASETS[name].title for name in names)
        images = yield from read_aside(self._read, f"reading {words}")
        stream = self._task.repeat.run(
            self._folder, seed=self._seed, device=self._device, batch_size=BATCH_SIZE,
            resume=True, seed_given=self._seed_given, images=images,
        )  # fmt: skip
        try:
            event = _begun(stream)
            while not isinstance(event, Finished):
                yield self._shown(event)
                event = next(stream)
            yield event
        finally:
            if isinstance(stream, Generator):
                stream.close()  # and so let go of the folder

    def _read(self) -> TableImages:
        found = load_images(
            self._task.table, self._task.repeat.count, os.environ.get(DATA_VARIABLE)
        )
        _ = found.digests  # computed here, where no other run waits for it
        return found

    def _shown(self, event: Step) -> PaperStep:
        """What those who follow see of an event of the runner."""
        if isinstance(event, RowDone) and event.so_far is not None:
            self._partial = to_json(event.so_far)
            write_durably(self._folder / _SO_FAR, json.dumps(self._partial).encode())
        done = len(self._partial["rows"]) if self._partial else 0
        return PaperStep(
            event.done, event.total, getattr(event, "phase", ""), rows_done=done,
            rows=len(self._task.table.rows), partial=self._partial,
            kept=isinstance(event, TableStep) and event.kept,
        )  # fmt: skip


def finished_rows(folder: Path) -> dict[str, Any] | None:
    """The table of the rows that a run had finished, as JSON values; None where there is none."""
    try:
        found = parse_json((folder / _SO_FAR).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _begun(stream: Stream[RepeatedTable]) -> Step | Finished[RepeatedTable]:
    """The first event; a folder that is of other conditions is said for those who see a page."""
    try:
        return next(stream)
    except CheckpointError as error:
        raise CheckpointError(
            f"this run cannot go on from what it kept, and must be started again: {error}"
        ) from None
