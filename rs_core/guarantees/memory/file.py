"""The SQLite file of a memory: rows are added, never changed, one transaction each."""

import hashlib
import math
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rs_core.errors import ParameterError, StoreError

Kind = Literal["own", "cut", "inherited"]

_APPLICATION = 0x52534D42  # "RSMB": tells a memory from other SQLite files
_VERSION = 1
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_ROWS_AT_ONCE = 256
_COLUMNS = "position, digest, label, radius, kind, conflict, asked_label, asked_radius"
_CREATE = (
    f"CREATE TABLE balls ({_COLUMNS.replace('position', 'position INTEGER PRIMARY KEY', 1)}, "
    "pixels BLOB, seal BLOB)",
    "CREATE TABLE memory_key (part PRIMARY KEY, value)",
    "CREATE TRIGGER no_update BEFORE UPDATE ON balls BEGIN SELECT RAISE(ABORT, 'append only'); END",
    "CREATE TRIGGER no_delete BEFORE DELETE ON balls BEGIN SELECT RAISE(ABORT, 'append only'); END",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)


@dataclass(frozen=True)
class Ball:
    """One answer that was given: this label within this radius of the point.

    Fields:
        position: 1 for the first.
        digest: of the point's pixels.
        label, radius: the answer; None and 0 for an abstention. Pixels of [0,1].
        kind: "own"; "cut" by another label's ball; "inherited" from the ball it lies in.
        conflict: position of the ball that cut or enforced it.
        asked_label, asked_radius: what the draws alone gave.
    """

    position: int
    digest: str
    label: int | None
    radius: float
    kind: Kind
    conflict: int | None
    asked_label: int | None
    asked_radius: float


class BallFile:
    """One connection to a memory's file; ":memory:" keeps it in this process.

    A missing or empty file becomes a new memory. A damaged one is never mended: its answers
    were given, so a memory without them would break their promise.

    Args:
        path: of the file.
        key: what the answers depend on, in words; a file made under another key is refused.
        values: number of pixel values of a point.
        lock_seconds: how long to try while another process writes.

    Raises:
        ParameterError: the key differs; the sentence names the part.
        StoreError: the file is foreign, damaged, locked, or of another version.
    """

    def __init__(
        self, path: str, key: Mapping[str, str], values: int, *, lock_seconds: float
    ) -> None:
        self._path, self._values, self._lock_seconds = path, values, lock_seconds
        self._name = Path(path).name
        with self._told():
            self._connection = sqlite3.connect(
                path, timeout=lock_seconds, isolation_level=None, check_same_thread=False
            )
        try:
            with self._told():
                self._connection.execute("PRAGMA trusted_schema = OFF")
                self._connection.execute("PRAGMA synchronous = FULL")
            with self.writing():
                self._check_key(dict(key))
            with self._told():  # only now: it would change a foreign file
                self._connection.execute("PRAGMA journal_mode = DELETE")
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction that no other process can write beside; undone when its body fails."""
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # the first error says more
                    self._connection.execute("ROLLBACK")
                raise

    def newer(self, known: int) -> Iterator[tuple[Ball, np.ndarray]]:
        """The balls after position `known` with their flat float32 pixels, in order.

        Raises:
            StoreError: a row is damaged or missing, also among those known.
        """
        with self._told():
            (last,) = self._connection.execute("SELECT max(position) FROM balls").fetchone()
        if (last or 0) < known:
            raise self._damaged(f"{known} points were stored and {last or 0} are left")
        while known < (last or 0):
            for row in self._read(known):
                ball, pixels = self._checked(row, known + 1)
                yield ball, pixels
                known += 1

    def append(self, ball: Ball, pixels: np.ndarray) -> None:
        """Add a row; it counts once the transaction around it is committed."""
        raw = pixels.astype("<f4").tobytes()
        facts = astuple(ball)
        row = (*facts, raw, _seal(facts, raw))
        marks = ", ".join("?" * len(row))
        self._connection.execute(f"INSERT INTO balls VALUES ({marks})", row)

    def _read(self, known: int) -> list[tuple[Any, ...]]:
        question = f"SELECT {_COLUMNS}, pixels, seal FROM balls WHERE position > ? LIMIT ?"
        with self._told(), closing(self._connection.cursor()) as cursor:
            return cursor.execute(question, (known, _ROWS_AT_ONCE)).fetchall()

    def _checked(self, row: tuple[Any, ...], position: int) -> tuple[Ball, np.ndarray]:
        *facts, raw, seal = row
        sound = isinstance(raw, bytes) and _seal(tuple(facts), raw) == seal
        if not sound or facts[0] != position or len(raw) != 4 * self._values:
            raise self._damaged(f"entry {position} is damaged or missing")
        return Ball(*facts), np.frombuffer(raw, dtype="<f4")

    def _check_key(self, key: dict[str, str]) -> None:
        ask = self._connection.execute
        if ask("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            for statement in _CREATE:
                ask(statement)
            self._connection.executemany("INSERT INTO memory_key VALUES (?, ?)", key.items())
            return
        if ask("PRAGMA application_id").fetchone() != (_APPLICATION,):
            raise StoreError(f"{self._name} is no memory of answers: give another path.")
        (version,) = ask("PRAGMA user_version").fetchone()
        if version != _VERSION:
            raise StoreError(
                f"the memory {self._name} has version {version} and this program reads "
                f"{_VERSION}: give another path, or use the program that wrote it."
            )
        stored = dict(ask("SELECT part, value FROM memory_key").fetchall())
        for part in sorted(key.keys() | stored.keys()):
            mine, its = key.get(part, "nothing"), stored.get(part, "nothing")
            if mine != its:
                raise ParameterError(
                    f"the memory {self._name} was made with {part} {its}, and this run has "
                    f"{mine}: give each its own path."
                )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors as sentences."""
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _BUSY:
                raise StoreError(
                    f"another program has locked the memory {self._name} for "
                    f"{self._lock_seconds:g} s: close it, then try again."
                ) from error
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CANTOPEN:
                raise StoreError(
                    f"the memory {self._name} cannot be opened: name a file in a folder that "
                    "exists and may be written to."
                ) from error
            raise self._damaged(str(error)) from error

    def _damaged(self, reason: str) -> StoreError:
        return StoreError(
            f"the memory {self._name} cannot be used ({reason}): restore it from a copy, or give "
            "another path, which revokes the answers it gave."
        )


def key_hash(key: Mapping[str, str]) -> str:
    """12 hex digits that name a key."""
    return hashlib.blake2b(repr(sorted(key.items())).encode(), digest_size=6).hexdigest()


def _seal(facts: tuple[Any, ...], raw: bytes) -> bytes:
    """A checksum of a row: SQLite itself does not notice a flipped bit in a pixel."""
    assert all(fact is None or not isinstance(fact, float) or math.isfinite(fact) for fact in facts)
    return hashlib.blake2b(repr(facts).encode() + raw, digest_size=16).digest()
