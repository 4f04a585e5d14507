"""Runs that repeat a paper's table: nobody need follow them, and they go on from what they keep."""

from typing import Any

from rs_core.classifiers.devices import resolve_device
from rs_core.events import Stream
from rs_core.results import to_json
from rs_core.store import Run, RunStore
from rs_core.worker.papers.config import paper_task
from rs_core.worker.papers.run import Repetition, finished_rows
from rs_core.worker.request import Asked, Request
from rs_core.worker.tasks.base import content_key

PAPER = "paper"


class PaperRuns:
    """The family of the kind "paper"."""

    working_folder = "table"

    def __init__(self, store: RunStore) -> None:
        self._store = store

    def asked(self, question: Request) -> Asked:
        """The question about a table.

        Raises:
            ParameterError, UnknownNameError, DataError, DeviceError: a setting is wrong, the table
                is too large for a run, or its data are not at hand.
        """
        task, device = paper_task(question.config), str(resolve_device(question.device))
        request = {
            "config": task.config(),
            "seed": question.seed,
            "seed_given": question.seed_given,
            "device": device,
        }
        parts = {
            "kind": PAPER, "config": task.config(), "seed": question.seed,
            "on": device.partition(":")[0], "table": to_json(task.table),
        }  # fmt: skip
        return Asked(content_key(parts), task.title, request)

    def stream(self, run: Run) -> Stream[Any]:
        """The table's steps and the table, from what is kept where there is something."""
        self._store.read(run.job)  # what was deleted makes no folder again
        asked = run.request
        return Repetition(
            paper_task(asked["config"]),
            self._store.folder(run.job) / self.working_folder,
            seed=asked["seed"],
            seed_given=asked["seed_given"],
            device=asked["device"],
        ).run()

    def about(self, run: Run) -> dict[str, Any]:
        """What was asked."""
        if not isinstance(run.request["config"], dict):
            raise TypeError("the settings are no object")
        asked = {name: run.request[name] for name in ("config", "seed", "seed_given", "device")}
        return {"kind": run.kind, "title": run.title, "created": run.created, **asked}

    def left(self, run: Run) -> dict[str, Any] | None:
        """The rows that were finished, as `PaperStep.partial` has them."""
        partial = finished_rows(self._store.folder(run.job) / self.working_folder)
        return None if partial is None else {"partial": partial}

    def questions(self, owner: str, asked: dict[str, Any]) -> tuple[int, float, int]:
        """None: a table's images are not the owner's, and each certificate names its level."""
        return 0, 0.0, 0
