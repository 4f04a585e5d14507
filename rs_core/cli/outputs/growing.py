"""A table that grows row by row: what is finished stays, and one command writes at a time."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Self, TextIO

from rs_core.cli.terminal import remark, shown, told
from rs_core.durable import is_outlet, lock_alone
from rs_core.errors import DataError, ParameterError

_TRIES = 10  # a file that its writer deletes while it is being locked is another one the next time


class GrowingTable:
    """A tab-separated file that grows row by row, so that whatever ends a run keeps what is done.

    As a context it holds the file for itself and refuses one that holds rows already, unless they
    are to be gone on from. A file that got no row is taken away again.
    """

    def __init__(self, path: Path | None, *, resume: bool | None = None) -> None:
        """The table at a path, or none.

        Args:
            path: where; None takes rows and drops them.
            resume: whether to go on from rows that are there; None where that is not offered.
        """
        self._path = path
        self._resume = resume
        self._file: TextIO | None = None
        self._new = False
        self._written = False

    def __enter__(self) -> Self:
        if self._path is not None and not is_outlet(self._path):
            with told(self._path):
                self._hold(self._path)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def text(self) -> str:
        """What the file holds, whole lines only: a line that was cut off is dropped, and said.

        Raises:
            DataError: it is no text, or cannot be read.
        """
        if self._path is None or self._file is None or not self._written:
            return ""
        with told(self._path):
            data = Path(self._path).read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                self._file.truncate(len(whole))
                self._written = bool(whole)
                remark(f"the last line of {shown(self._path)} was cut off and is dropped.")
        try:
            return whole.decode()
        except UnicodeDecodeError:
            raise DataError(
                f"{shown(self._path)} is no text file: name the table that this command wrote."
            ) from None

    def add(self, table: str) -> None:
        """Append the rows of a table that has its header; the header is written once.

        Raises:
            DataError: the file cannot be written.
        """
        if self._path is None:
            return
        with told(self._path):
            if self._file is None:  # a device or FIFO, opened late: opening waits for its reader
                self._file = self._path.open("w", encoding="utf-8", newline="")
            self._file.write(table.partition("\n")[2] if self._written else table)
            self._file.flush()
            self._written = True

    def close(self) -> None:
        """Close the file; every row has been flushed before."""
        if self._file is None or self._path is None:
            return
        file, self._file = self._file, None
        with told(self._path):
            if self._new and not self._written:
                Path(os.path.realpath(self._path)).unlink(missing_ok=True)
            file.close()

    def _hold(self, path: Path) -> None:
        for _ in range(_TRIES):
            self._new = not path.exists()
            file = path.open("a", encoding="utf-8", newline="")
            if not lock_alone(file.fileno()):
                file.close()
                raise ParameterError(
                    f"another command writes to {shown(path)} at this moment: wait for it, or name "
                    "another file."
                )
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    break
            file.close()
        self._written = path.stat().st_size > 0
        if self._written and not self._resume:
            file.close()
            raise ParameterError(is_there(path, self._resume))
        self._file = file


def is_there(path: Path, resume: bool | None) -> str:
    """That a table holds rows already, and what to do."""
    if resume is None:
        return f"{shown(path)} holds rows already: name another file, or delete it first."
    return (
        f"{shown(path)} holds rows already: --resume goes on from them where all else is the same; "
        "or name another file."
    )
