"""Where results go: the terminal as text or JSON, a table that grows, a report."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, TextIO

from rs_core.durable import hold_writable, is_outlet, write_durably
from rs_core.errors import DataError, ParameterError
from rs_core.fields import param
from rs_core.plots.wording import tidy


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Where results go besides the terminal, of a command that draws nothing."""

    json: bool = param(False, help="print the result as JSON, under its Python field names")
    tsv: Path | None = param(None, help="write Cohen's columns, then ours, to this file")

    def files(self) -> dict[str, Path]:
        """The files that are asked for, by their options."""
        return {} if self.tsv is None else {"--tsv": self.tsv}

    def check(self, *inputs: Path) -> None:
        """Refuse a file that could not be written, before anything is computed.

        Args:
            inputs: files that the command reads, and that no output may replace.

        Raises:
            ParameterError: it cannot be written, or it is an input or the other output.
        """
        files = self.files()
        for path in files.values():
            try:
                hold_writable(path)
            except OSError as error:
                raise ParameterError(
                    f"cannot write {_shown(path)} ({error.strerror}): name a file in a folder "
                    "that exists and may be written to."
                ) from None
            for taken in inputs:
                if _same(path, taken):
                    raise ParameterError(
                        f"cannot write {_shown(path)}: it is read by this command (as "
                        f"{_shown(taken)}); name another file."
                    )
            if _is_stdout(path):
                raise ParameterError(
                    f"cannot write {_shown(path)}: this command prints into it already; name "
                    "another file."
                )
        for (one, path), (other, second) in combinations(files.items(), 2):
            if _same(path, second) and not is_outlet(path):
                raise ParameterError(
                    f"{one} and {other} both name {_shown(second)}: give each a file of its own."
                )

    @contextmanager
    def growing_table(self) -> Iterator["GrowingTable"]:
        """The --tsv table, for rows as they are finished; it takes and drops them without one."""
        table = GrowingTable(self.tsv)
        try:
            yield table
        finally:
            table.close()


@dataclass(frozen=True, kw_only=True)
class Output(Tables):
    """The same, and a report."""

    html: Path | None = param(None, help="write a self-contained report with the figure")

    def files(self) -> dict[str, Path]:
        """The files that are asked for, by their options."""
        return super().files() | ({} if self.html is None else {"--html": self.html})

    def write_report(self, document: str) -> None:
        """Write the --html report.

        Raises:
            DataError: it cannot be written.
        """
        if self.html is not None:
            with told(self.html):
                write_durably(self.html, document.encode())


class GrowingTable:
    """A tab-separated file that grows row by row, so that an interrupt keeps what is done.

    Nothing is opened before the first row: until then an older file stays as it is.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None

    def add(self, table: str) -> None:
        """Append the rows of a table that has its header; the header is written once.

        Raises:
            DataError: the file cannot be written.
        """
        if self._path is None:
            return
        with told(self._path):
            if self._file is None:
                self._file = self._path.open("w", encoding="utf-8", newline="")
            else:
                table = table.partition("\n")[2]
            self._file.write(table)
            self._file.flush()

    def close(self) -> None:
        """Close the file; every row has been flushed before."""
        if self._file is not None and self._path is not None:
            file, self._file = self._file, None
            with told(self._path):
                file.close()


@contextmanager
def told(path: Path) -> Iterator[None]:
    """A context in which the system's refusal to write a file becomes one sentence.

    Raises:
        DataError: names the file, the reason, and what to do.
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{_shown(path)} cannot be written ({error.strerror}): make room, or name a file in "
            "a folder that may be written to."
        ) from None


def print_json(value: Any) -> None:
    """Print JSON values on one line, escaped only where the terminal's encoding needs it."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    print(json.dumps(value, ensure_ascii=encoding != "utf8"))


def _shown(path: Path) -> str:
    return tidy(str(path))


def _same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:
        return os.path.realpath(first) == os.path.realpath(second)


def _is_stdout(path: Path) -> bool:
    try:
        return not is_outlet(path) and os.path.samestat(path.stat(), os.fstat(1))
    except OSError:
        return False
