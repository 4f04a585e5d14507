"""One run's folder, read: `request.json` (what was asked) and `state` (how far it is)."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rs_core.store.home import folder_bytes
from rs_core.store.index import Row

RUN_ID = re.compile(r"[A-Za-z0-9_-]{22}")
State = Literal["queued", "running", "paused", "finished", "failed", "cancelled"]
OPEN: tuple[State, ...] = ("queued", "running", "paused")


@dataclass(frozen=True)
class Progress:
    """How far a run is: the content of its `state` file.

    `held` says that a person paused it; `strikes` counts the deaths of worker processes in the
    midst of this run; `seconds` is the time spent computing it, `done` and `total` the forward
    passes so far and of the whole; `ended` is when it was over.
    """

    state: State = "queued"
    held: bool = False
    error: str | None = None
    seconds: float = 0.0
    done: int = 0
    total: int = 0
    strikes: int = 0
    ended: float | None = None


@dataclass(frozen=True)
class Run:
    """One run: whose it is (as `owner_id` gives it), what was asked, how far it is.

    `key` is the content: the same question of the same owner has the same key.
    """

    job: str
    owner: str
    key: str
    kind: str
    title: str
    created: float
    request: dict[str, Any]
    progress: Progress


def read_run(folder: Path) -> Run | None:
    """The run of a folder, or None where its request is missing or unreadable."""
    try:
        asked = json.loads((folder / "request.json").read_bytes())
        return Run(job=folder.name, progress=_progress(folder), **asked)
    except (OSError, ValueError, TypeError):
        return None


def index_row(folder: Path) -> Row | None:
    """What the index keeps of a run, or None where its request cannot be read."""
    run = read_run(folder)
    if run is None:
        return None
    state, ended = run.progress.state, run.progress.ended
    size = folder_bytes(folder)
    return run.job, run.owner, run.key, run.kind, run.title, state, run.created, ended, size


def _progress(folder: Path) -> Progress:
    """A run without a state file is queued, or under way since its beginning."""
    try:
        return Progress(**json.loads((folder / "state").read_bytes()))
    except FileNotFoundError:
        return Progress()
