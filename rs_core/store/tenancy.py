"""Who lives in a home: one server and one compute process, each until its process ends."""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from rs_core.store.home import private_folder, reported

if sys.platform != "win32":
    import fcntl

_WIDTH = 500  # bytes of the facts, blanks behind them: one write replaces another


class Tenancy:
    """A role in a home, held by this process alone; the system ends it with the process.

    Attributes:
        before: what the last tenant wrote last; {} if it was the first.
    """

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle
        self.before = _facts_in(handle)

    @classmethod
    def take(cls, home: Path, role: str) -> Self | dict[str, Any]:
        """The role, or what its present tenant wrote.

        Raises:
            StoreError: the home cannot be written.
        """
        with reported():
            path = private_folder(home) / f"{role}.lock"
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            if sys.platform != "win32":
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    told = _facts_in(handle)
                    os.close(handle)
                    return told
            return cls(handle)

    def write(self, **facts: Any) -> None:
        """Leave word for whoever comes, during this life or after it; none on a full disk."""
        if self._handle is None:
            return
        text = json.dumps({"pid": os.getpid(), **facts}).encode().ljust(_WIDTH)
        with suppress(OSError):  # the role is held all the same, and nothing else depends on it
            os.lseek(self._handle, 0, os.SEEK_SET)
            os.write(self._handle, text)

    def release(self) -> None:
        """Give the role up before the process ends."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _facts_in(handle: int) -> dict[str, Any]:
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        facts = json.loads(os.read(handle, 2 * _WIDTH))
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}
