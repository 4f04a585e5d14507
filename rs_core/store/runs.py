"""The run store: a folder per run, and an index of them that can be rebuilt.

`request.json` says what was asked, `result.json` what came out, `state` how far it is; each is
written in one step and is durable when the call returns. The folders are the truth.
"""

import json
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from threading import RLock
from typing import Any

from rs_core.durable import write_durably
from rs_core.errors import NotFoundError, StoreError
from rs_core.store.belongings import Belongings
from rs_core.store.claims import Claim
from rs_core.store.home import private_folder, reported, rs_home
from rs_core.store.index import Row, RunIndex
from rs_core.store.records import OPEN, RUN_ID, Progress, Run, State, index_row, read_run
from rs_core.store.retention import Retention


class RunStore:
    """Runs under `home`, each visible to its owner alone; owners are named as `owner_id` does.

    Args:
        home: RS_HOME by default.
        retention: limits; from the environment by default.
        lock_seconds: how long to try while another process holds the index.

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
        self.belongings = Belongings(self.home)
        self._runs = private_folder(self.home / "runs")
        self._lock = RLock()
        self._index = RunIndex(self.home / "index.sqlite", self._rows, lock_seconds=lock_seconds)
        written = {path.parent.name for path in self._runs.glob("*/request.json")}
        if {row[0] for row in self._index.select("1")} != written:
            self._index.rebuild()

    def create(
        self, owner: str, *, key: str, kind: str, title: str, request: dict[str, Any]
    ) -> tuple[Run, Claim]:
        """A new run, queued and claimed; its id cannot be guessed."""
        run = Run(
            job=secrets.token_urlsafe(16), owner=owner, key=key, kind=kind,
            title=title, created=time.time(), request=request, progress=Progress(),
        )  # fmt: skip
        asked = {k: v for k, v in vars(run).items() if k not in ("job", "progress")}
        folder = private_folder(self._runs / run.job)
        with reported():
            claim = Claim.take(folder)
            write_durably(folder / "request.json", json.dumps(asked).encode())
        assert claim is not None  # nobody else knows the id yet
        row = index_row(folder)
        assert row is not None
        try:
            self._index.put(row)
        except StoreError:  # a refused start must not come to life at the next restart
            claim.release()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return run, claim

    def read(self, job: str, owner: str | None = None) -> Run:
        """A run, whoever asks when `owner` is left out.

        Raises:
            NotFoundError: no such run, or it is somebody else's.
        """
        run = read_run(self._runs / job) if RUN_ID.fullmatch(job) else None
        if run is None or (owner is not None and run.owner != owner):
            raise NotFoundError("run")
        return run

    def folder(self, job: str) -> Path:
        """Where a run's files lie; what it keeps there is deleted with it."""
        return self._runs / job

    def result(self, job: str) -> Any:
        """What came out, as JSON values.

        Raises:
            NotFoundError: nothing did, or it was deleted.
        """
        try:
            return json.loads((self._runs / job / "result.json").read_bytes())
        except (OSError, ValueError):
            raise NotFoundError("result") from None

    def find(self, owner: str, key: str) -> tuple[str, State] | None:
        """(job, state) of the owner's newest run of this content that is open or finished."""
        for row in reversed(self._index.select("owner = ? AND key = ?", (owner, key))):
            folder = self._runs / row[0]
            run = read_run(folder)
            if run is None:
                self._index.remove(row[0])
            elif run.progress.state in OPEN or (folder / "result.json").is_file():
                return run.job, run.progress.state
        return None

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
            progress = replace(progress, ended=time.time())
        with self._lock, reported():
            if not folder.is_dir():
                return
            write_durably(folder / "state", json.dumps(asdict(progress)).encode())
            row = index_row(folder)
            if row is not None:
                self._index.put(row)

    def finish(self, job: str, result: Any, progress: Progress, *, drop: str = "") -> None:
        """Keep a result, then note that the run is finished.

        Args:
            drop: a folder of the run's that its result makes superfluous; "" for none.
        """
        with self._lock, reported():
            if (self._runs / job).is_dir():
                raw = json.dumps(result, allow_nan=False).encode()
                write_durably(self._runs / job / "result.json", raw)
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
            else:  # its worker died between the state and the index
                self.update(run.job, run.progress)
        return found

    def ended(self) -> list[tuple[str, float, int]]:
        """(job, when it ended, bytes) of every run that is over, the longest ended first."""
        rows = self._index.select("ended IS NOT NULL")
        return sorted(((row[0], row[7], row[8]) for row in rows), key=lambda run: run[1])

    def delete(self, job: str) -> None:
        """Delete a run and all its files."""
        with self._lock:
            shutil.rmtree(self._runs / job, ignore_errors=True)
            self._index.remove(job)

    def delete_owner(self, owner: str) -> int:
        """Delete everything of an owner; how many runs that were."""
        with self._lock:
            rows = self._index.select("owner = ?", (owner,))
            for row in rows:
                self.delete(row[0])
            self.belongings.delete_owner(owner)
        return len(rows)

    def size(self) -> int:
        """Bytes of all runs, images and models."""
        runs = sum(int(row[8]) for row in self._index.select("1"))
        return runs + self.belongings.size()

    def close(self) -> None:
        """Close the index."""
        self._index.close()

    def _rows(self) -> Iterator[Row]:
        """A row per folder that holds a readable request."""
        for folder in self._runs.iterdir():
            row = index_row(folder)
            if row is not None:
                yield row
