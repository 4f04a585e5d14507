"""The run store: a folder per run, and an index of them that can be rebuilt.

`request.json` says what was asked, `result.json` what came out, `state` how far it is; each is
written in one step, is durable when the call returns, and carries a checksum. The folders are the
truth.
"""

import secrets
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from threading import RLock
from typing import Any

from rs_core.durable import write_durably
from rs_core.errors import DamagedError, NotFoundError, StoreError
from rs_core.store.belongings import Belongings
from rs_core.store.calendar import Calendar
from rs_core.store.documents import read_document, sealed, write_document
from rs_core.store.home import private_folder, reported, rs_home, tighten
from rs_core.store.index import Row, RunIndex
from rs_core.store.limits.quota import Quota
from rs_core.store.limits.removal import Deletion, Left, removed
from rs_core.store.limits.retention import Retention
from rs_core.store.records import (
    DAMAGED,
    OPEN,
    OWNER_FILE,
    RUN_ID,
    Ended,
    Progress,
    Run,
    State,
    damage,
    index_row,
    read_run,
)
from rs_core.store.run_lock import Claim

_NOT_ASKED = ("job", "progress", "sealed")  # of a run's fields


class RunStore:
    """Runs under `home`, each visible to its owner alone; owners are named as `owner_id` does.

    Args:
        home: RS_HOME by default.
        retention: limits; from the environment by default.
        lock_seconds: how long to try while another process holds the index.

    Attributes:
        belongings: the images and models of all owners.
        quota: holds the limits.
        is_seen: whether others may look into `home` itself; what is kept there is private.

    Raises:
        StoreError: the folder or its index cannot be used.
    """

    def __init__(
        self,
        home: Path | None = None,
        retention: Retention | None = None,
        *,
        lock_seconds: float = 5.0,
    ) -> None:
        self.home = private_folder(home or rs_home())
        self.retention = retention or Retention.from_environment()
        self._lock = RLock()
        self.quota = Quota(self, self._lock)
        self.belongings = Belongings(self.home, self.quota.take)
        self._runs = private_folder(self.home / "runs")
        self._calendar = Calendar(self.home / "calendar.json")
        with reported():
            self.is_seen = tighten(self.home)
        self._index = RunIndex(self.home / "index.sqlite", self._rows, lock_seconds=lock_seconds)
        there = {path.name for path in self._runs.iterdir() if RUN_ID.fullmatch(path.name)}
        if {row[0] for row in self._index.select("1")} != there:
            self._index.rebuild()

    def create(
        self, owner: str, *, key: str, kind: str, title: str, request: dict[str, Any]
    ) -> tuple[Run, Claim]:
        """A new run, queued and claimed; its id cannot be guessed.

        Raises:
            StoreError: the disk refuses, or what runs and uploads may take is full.
        """
        run = Run(
            job=secrets.token_urlsafe(16), owner=owner, key=key, kind=kind, title=title,
            created=self._calendar.now(), request=request, progress=Progress(),
        )  # fmt: skip
        asked = sealed({k: v for k, v in vars(run).items() if k not in _NOT_ASKED})
        self.quota.make_room(owner, len(asked))
        folder = private_folder(self._runs / run.job)
        with reported():
            claim = Claim.take(folder)
            # Apart, so that it is known whose run this is whatever happens to the request.
            write_durably(folder / OWNER_FILE, owner.encode(), private=True)
            write_durably(folder / "request.json", asked, private=True)
        assert claim is not None  # nobody else knows the id yet
        try:
            self._note(run.job)
        except StoreError:  # a refused start must not come to life at the next restart
            claim.release()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return run, claim

    def read(self, job: str, owner: str | None = None) -> Run:
        """A run, whoever asks when `owner` is left out.

        Raises:
            NotFoundError: no such run, or it is somebody else's.
            DamagedError: what was asked cannot be believed any more.
        """
        run = read_run(self._runs / job) if RUN_ID.fullmatch(job) else None
        if run is None or (owner is not None and run.owner != owner):
            raise NotFoundError("run")
        if run.kind == DAMAGED:
            raise DamagedError(run.progress.error or "")
        return run

    def folder(self, job: str) -> Path:
        """Where a run's files lie; what it keeps there is deleted with it."""
        return self._runs / job

    def result(self, job: str) -> Any:
        """What came out, as JSON values.

        Raises:
            NotFoundError: no such run, or nothing came out.
            DamagedError: it is gone, or not what was written.
        """
        run = self.read(job)
        try:
            path = self._runs / job / "result.json"
            result, is_sealed = read_document(path, must_be_sealed=run.sealed)
            if not (is_sealed or isinstance(result, dict)):
                raise DamagedError("result.json holds no object")
            return result
        except FileNotFoundError:
            if run.progress.state != "finished":
                raise NotFoundError("result") from None
            raise damage("result.json is gone") from None
        except DamagedError as error:
            raise damage(str(error)) from None
        except OSError as error:
            raise damage(f"result.json cannot be read, {error.strerror}") from None

    def find(self, owner: str, key: str) -> tuple[str, State] | None:
        """(job, state) of the owner's newest run of this content that is open or finished.

        One that was damaged is passed over: the question is answered anew.
        """
        for row in reversed(self._index.select("owner = ? AND key = ?", (owner, key))):
            run = read_run(self._runs / row[0])
            if run is None:
                self._index.remove(row[0])
            elif run.kind == DAMAGED:
                self._note(row[0])
            elif run.progress.state in OPEN or self._has_result(run):
                return run.job, run.progress.state
        return None

    def _has_result(self, run: Run) -> bool:
        try:
            return run.progress.state == "finished" and self.result(run.job) is not None
        except (DamagedError, NotFoundError):
            return False

    def claim(self, job: str) -> Claim | None:
        """The right to compute a run, or None while another process has it."""
        try:
            return Claim.take(self._runs / job)
        except FileNotFoundError:
            return None

    def update(self, job: str, progress: Progress) -> None:
        """Note how far a run is; nothing happens if it was deleted meanwhile."""
        folder = self._runs / job
        if progress.state not in OPEN and progress.ended is None:
            progress = replace(progress, ended=self._calendar.now())
        with self._lock, reported():
            if not folder.is_dir():
                return
            write_document(folder / "state", asdict(progress))
            self._note(job)
        self.quota.hold()

    def finish(self, job: str, result: Any, progress: Progress, *, drop: str = "") -> None:
        """Keep a result, then note that the run is finished.

        Args:
            drop: a folder of the run's that its result makes superfluous; "" for none.
        """
        with self._lock, reported():
            if (self._runs / job).is_dir():
                raw = sealed(result, allow_nan=False)
                write_durably(self._runs / job / "result.json", raw, private=True)
                if drop:
                    shutil.rmtree(self._runs / job / drop, ignore_errors=True)
        self.update(job, replace(progress, state="finished"))

    def runs(self, owner: str) -> list[dict[str, Any]]:
        """The owner's runs, newest first: job, kind, title, state, created, ended, size."""
        names = ("job", "owner", "key", "kind", "title", "state", "created", "ended", "size")
        rows = reversed(self._index.select("owner = ?", (owner,)))
        found = [dict(zip(names, row, strict=True)) for row in rows]
        return [{k: v for k, v in run.items() if k not in ("owner", "key")} for run in found]

    def unfinished(self) -> list[Run]:
        """Every run that is not over, oldest first."""
        marks = ", ".join("?" * len(OPEN))
        found = []
        for row in self._index.select(f"state IN ({marks})", OPEN):
            run = read_run(self._runs / row[0])
            if run is None:
                self._index.remove(row[0])
            elif run.progress.state in OPEN:
                found.append(run)
            else:  # it was damaged, or its worker died between the state and the index
                self._note(run.job)
        return found

    def all_of(self, owner: str) -> Iterator[Run]:
        """Every run of an owner, read from its folder, oldest first; without damaged ones."""
        for row in self._index.select("owner = ?", (owner,)):
            run = read_run(self._runs / row[0])
            if run is not None and run.kind != DAMAGED:
                yield run

    def ended(self) -> list[Ended]:
        """Every run that is over, the longest ended first."""
        rows = self._index.select("ended IS NOT NULL")
        found = [Ended(row[0], row[1], row[7], row[8]) for row in rows]
        return sorted(found, key=lambda run: run.at)

    def delete(self, job: str) -> list[Left]:
        """Delete a run and all its files; what could not be deleted still counts as the run's."""
        with self._lock:
            left = removed(self._runs / job)
            if left:
                self._note(job)
            else:
                self._index.remove(job)
        return left

    def delete_owner(self, owner: str) -> Deletion:
        """Delete everything of an owner."""
        with self._lock:
            found = [self.delete(row[0]) for row in self._index.select("owner = ?", (owner,))]
            left = [one for run in found for one in run] + self.belongings.delete_owner(owner)
        return Deletion(sum(not run for run in found), left)

    def sizes(self) -> dict[str, int]:
        """Bytes of the runs, images and models of each owner."""
        found = defaultdict(int, self.belongings.sizes())
        for row in self._index.select("1"):
            found[row[1]] += int(row[8])
        return dict(found)

    def size(self) -> int:
        """Bytes of all runs, images and models."""
        return sum(self.sizes().values())

    def believed_time(self) -> float:
        """What time it is at least, as `Calendar.look` says: ages are measured from it."""
        return self._calendar.look()

    def _note(self, job: str) -> None:
        """Let the index say what a run's folder says."""
        with self._lock:
            before = self._index.select("job = ?", (job,))
            row = index_row(self._runs / job)
            if row is None:
                self._index.remove(job)
                return
            if not row[1] and before:  # nothing in the folder says any more whose it is
                row = (row[0], before[0][1], *row[2:])
            self._index.put(row)
            self.quota.grow(row[8] - (before[0][8] if before else 0))

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    def _rows(self) -> Iterator[Row]:
        """A row per folder of a run."""
        for folder in self._runs.iterdir():
            row = index_row(folder)
            if row is not None:
                yield row
