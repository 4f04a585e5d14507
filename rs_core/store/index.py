"""A SQLite index of the run folders; it can be thrown away, the folders are the truth."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from rs_core.durable import private_opener
from rs_core.errors import StoreError
from rs_core.store.home import reported

_VERSION = 1
_COLUMNS = "job, owner, key, kind, title, state, created, ended, size"
_MARKS = ", ".join("?" * 9)
_CREATE = (
    f"CREATE TABLE runs ({_COLUMNS.replace('job', 'job PRIMARY KEY', 1)})",
    "CREATE INDEX by_owner ON runs (owner, key)",
)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
# The file was replaced or emptied under the open connection.
_GONE = (sqlite3.SQLITE_READONLY_DBMOVED, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_IOERR_SHORT_READ)

Row = tuple[Any, ...]
T = TypeVar("T")


class RunIndex:
    """The rows of all runs; one connection, made durable by a rollback journal.

    Args:
        path: of the database file.
        rows: reads every run's row from its folder, to fill a new index.
        lock_seconds: how long to try while another process writes.
    """

    def __init__(
        self, path: Path, rows: Callable[[], Iterable[Row]], *, lock_seconds: float = 5.0
    ) -> None:
        self._path, self._rows, self._lock_seconds = path, rows, lock_seconds
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None
        self.select("1")

    def put(self, row: Sequence[Any]) -> None:
        """Insert a run's row, or replace it."""
        self._run(f"INSERT OR REPLACE INTO runs ({_COLUMNS}) VALUES ({_MARKS})", row)

    def remove(self, job: str) -> None:
        """Forget a run."""
        self._run("DELETE FROM runs WHERE job = ?", (job,))

    def select(self, where: str, values: Sequence[Any] = ()) -> list[Row]:
        """Rows (job, owner, key, kind, title, state, created, ended, size), oldest first."""
        return self._run(f"SELECT {_COLUMNS} FROM runs WHERE {where} ORDER BY created", values)

    def rebuild(self) -> None:
        """Read every row again from the folders."""
        with self._lock:
            self._guarded(lambda: self._fill(self._open()))

    def close(self) -> None:
        """Close the connection; the next question opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, statement: str, values: Sequence[Any]) -> list[Row]:
        def run() -> list[Row]:
            return self._open().execute(statement, tuple(values)).fetchall()

        with self._lock:
            return self._guarded(run)

    def _guarded(self, action: Callable[[], T]) -> T:
        """The action's result; once more with a sound index if this one is damaged or gone."""
        try:
            return action()
        except sqlite3.DatabaseError as error:
            code = error.sqlite_errorcode
            if code & 0xFF not in _DAMAGED and code not in _GONE:
                raise _plain(error, self._lock_seconds) from error
            self.close()
            if code & 0xFF in _DAMAGED:
                self._discard()
        try:
            return action()
        except sqlite3.Error as error:
            raise _plain(error, self._lock_seconds) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        # SQLite gives a journal the mode of its database. One that is there is not opened here:
        # closing it would give up the locks of this process's other connections.
        with reported(), suppress(FileExistsError):
            os.close(private_opener(str(self._path), os.O_RDWR | os.O_CREAT | os.O_EXCL))
        opened = sqlite3.connect(
            self._path, timeout=self._lock_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            opened.execute("PRAGMA journal_mode = DELETE")
            opened.execute("PRAGMA synchronous = FULL")
            if opened.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                self._fill(opened)
        except sqlite3.Error:
            opened.close()
            raise
        self._connection = opened
        return opened

    def _fill(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute("DROP TABLE IF EXISTS runs")
            for statement in _CREATE:
                connection.execute(statement)
            connection.executemany(f"INSERT INTO runs VALUES ({_MARKS})", self._rows())
            connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _discard(self) -> None:
        for suffix in ("", "-journal"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _plain(error: sqlite3.Error, seconds: float) -> StoreError:
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY:
        return StoreError(
            f"another program has locked the index of the run store for {seconds:g} s: close it, "
            "then try again; finished runs can be read and exported meanwhile."
        )
    return StoreError(
        f"the index of the run store cannot be used ({error}): free some space, or let RS_HOME "
        "name another folder."
    )
