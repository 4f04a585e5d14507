"""One run's folder, read: `request.json` (what was asked) and `state` (how far it is)."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from rs_core.errors import DamagedError
from rs_core.store.documents import (
    check_fields,
    is_count,
    is_number,
    is_text,
    or_none,
    read_document,
)
from rs_core.store.home import folder_bytes
from rs_core.store.index import Row

RUN_ID = re.compile(r"[A-Za-z0-9_-]{22}")
OWNER_ID = re.compile(r"[0-9a-f]{32}")
OWNER_FILE = "owner"
DAMAGED = "damaged"  # the kind of a run whose request cannot be believed
State = Literal["queued", "running", "paused", "finished", "failed", "cancelled"]
OPEN: tuple[State, ...] = ("queued", "running", "paused")
_NAMED_OWNER = re.compile(rb'"owner": ?"([0-9a-f]{32})"')
_NAMED_WITHIN = 4_000  # bytes of a request, before anything that a person wrote
_REQUEST = {
    "owner": lambda value: is_text(value) and OWNER_ID.fullmatch(value) is not None,
    "key": is_text, "kind": is_text, "title": is_text, "created": is_number,
    "request": lambda value: isinstance(value, dict),
}  # fmt: skip
_STATE = {
    "state": lambda value: value in get_args(State),
    "held": lambda value: isinstance(value, bool),
    "error": or_none(is_text),
    "seconds": lambda value: is_number(value) and value >= 0,
    "done": is_count, "total": is_count, "strikes": is_count,
    "ended": or_none(is_number),
}  # fmt: skip


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


class Ended(NamedTuple):
    """A run that is over: whose it is, when it ended, its bytes."""

    job: str
    owner: str
    at: float
    size: int


@dataclass(frozen=True)
class Run:
    """One run: whose it is (as `owner_id` gives it), what was asked, how far it is.

    `key` is the content: the same question of the same owner has the same key. `sealed` says that
    its files have checksums, which those of older versions lack.
    """

    job: str
    owner: str
    key: str
    kind: str
    title: str
    created: float
    request: dict[str, Any]
    progress: Progress
    sealed: bool = True


def read_run(folder: Path) -> Run | None:
    """The run of a folder; None without one.

    A run whose state cannot be believed has failed, for that reason. One whose request cannot be
    believed has failed too, is of the kind `DAMAGED`, and has what is left of it: its owner ("" if
    nothing says whose it is) and the time of its folder.
    """
    try:
        asked, sealed = read_document(folder / "request.json")
        check_fields(asked, _REQUEST, "request.json", all_of=True)
    except FileNotFoundError:
        return _wreck(folder, "request.json is gone") if folder.is_dir() else None
    except DamagedError as error:
        return _wreck(folder, str(error))
    except OSError as error:
        return _wreck(folder, f"request.json cannot be read, {error.strerror}")
    return Run(job=folder.name, progress=_progress(folder, sealed), sealed=sealed, **asked)


def index_row(folder: Path) -> Row | None:
    """What the index keeps of a run, or None where there is no folder of a run's name."""
    run = read_run(folder) if RUN_ID.fullmatch(folder.name) else None
    if run is None:
        return None
    state, ended = run.progress.state, run.progress.ended
    size = folder_bytes(folder)
    return run.job, run.owner, run.key, run.kind, run.title, state, run.created, ended, size


def damage(reason: str) -> DamagedError:
    """Why a run is not shown, and what to do."""
    return DamagedError(
        f"this run's files were changed or damaged on disk ({reason}): nothing of it is shown; "
        "start it again."
    )


def _progress(folder: Path, sealed: bool) -> Progress:
    """A run without a state file is queued, or under way since its beginning."""
    path = folder / "state"
    try:
        told = read_document(path, must_be_sealed=sealed).content
        check_fields(told, _STATE, "state", all_of=False)
        return Progress(**told)
    except FileNotFoundError:
        return Progress()
    except DamagedError as error:
        return _failed(path, str(error))
    except OSError as error:
        return _failed(path, f"state cannot be read, {error.strerror}")


def _wreck(folder: Path, reason: str) -> Run:
    return Run(
        job=folder.name, owner=_owner_of(folder), key="", kind=DAMAGED, title="damaged on disk",
        created=_time_of(folder), request={}, progress=_failed(folder, reason),
    )  # fmt: skip


def _failed(path: Path, reason: str) -> Progress:
    return Progress("failed", error=str(damage(reason)), ended=_time_of(path))


def _owner_of(folder: Path) -> str:
    """Whose folder it is, as its note says or else the beginning of its request."""
    for name, pattern in ((OWNER_FILE, rb"([0-9a-f]{32})\n?"), ("request.json", None)):
        try:
            with (folder / name).open("rb") as file:
                raw = file.read(_NAMED_WITHIN)
        except OSError:
            continue
        found = _NAMED_OWNER.search(raw) if pattern is None else re.fullmatch(pattern, raw)
        if found:
            return found[1].decode()
    return ""


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
