"""Which process computes a run: a lock that the operating system releases when it dies."""

import os
import sys
from pathlib import Path
from threading import Lock

if sys.platform != "win32":
    import fcntl

_IN_TURN, _AT_REST = b"1", b"0"


class Claim:
    """A run's folder, held by this process alone until `release` or its death.

    While the run is being advanced the claim says so on disk, so that whoever takes it over
    after a crash knows whether this run was at work in that moment.
    """

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle
        self._lock = Lock()
        self.died_in_turn = os.read(handle, 1) == _IN_TURN
        self.mark(in_turn=False)

    @classmethod
    def take(cls, folder: Path) -> "Claim | None":
        """The claim on a run's folder, or None while another process lives that holds it."""
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        if sys.platform != "win32":
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return None
        return cls(handle)

    def mark(self, *, in_turn: bool) -> None:
        """Note on disk whether the run is being advanced right now."""
        with self._lock:
            if self._handle is not None:
                os.lseek(self._handle, 0, os.SEEK_SET)
                os.write(self._handle, _IN_TURN if in_turn else _AT_REST)

    @property
    def is_void(self) -> bool:
        """Whether the run's folder was deleted, by whomever: then nothing may be kept there."""
        with self._lock:
            return self._handle is not None and os.fstat(self._handle).st_nlink == 0

    def release(self) -> None:
        """Let others take the run."""
        with self._lock:
            if self._handle is not None:
                os.close(self._handle)
                self._handle = None
