"""Where results go: the terminal as text or JSON, a table that grows, a report."""

import json
import os
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from rs_core.cli.outputs.growing import GrowingTable, is_there
from rs_core.cli.terminal import shown, told
from rs_core.durable import check_writable, is_outlet, write_durably
from rs_core.errors import ParameterError
from rs_core.fields import param


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
            ParameterError: it cannot be written, it is an input or the other output, or a table
                that holds rows already.
        """
        files = self.files()
        for path in files.values():
            try:
                check_writable(path)
            except OSError as error:
                raise ParameterError(
                    f"cannot write {shown(path)} ({error.strerror}): name a file in a folder "
                    "that exists and may be written to."
                ) from None
            for taken in inputs:
                if _same(path, taken):
                    raise ParameterError(
                        f"cannot write {shown(path)}: it is read by this command (as "
                        f"{shown(taken)}); name another file."
                    )
            if _is_stdout(path):
                raise ParameterError(
                    f"cannot write {shown(path)}: this command prints into it already; name "
                    "another file."
                )
        if self.tsv is not None and not self.resumes and _holds_rows(self.tsv):
            raise ParameterError(is_there(self.tsv, self.resumes))
        for (one, path), (other, second) in combinations(files.items(), 2):
            if _same(path, second) and not is_outlet(path):
                raise ParameterError(
                    f"{one} and {other} both name {shown(second)}: give each a file of its own."
                )

    def growing_table(self) -> GrowingTable:
        """The --tsv table, for rows as they are finished; it takes and drops them without one."""
        return GrowingTable(self.tsv, resume=self.resumes)

    @property
    def resumes(self) -> bool | None:
        """Whether --tsv is gone on from; None for a command that cannot."""
        return None


@dataclass(frozen=True, kw_only=True)
class ResumableTables(Tables):
    """The same, of a command that can go on from the rows that are finished."""

    resume: bool = param(
        False, help="go on from the rows that --tsv holds, where all else is the same"
    )

    @property
    def resumes(self) -> bool | None:
        """Whether --tsv is gone on from."""
        return self.resume

    def check(self, *inputs: Path) -> None:
        """The same; and refuse to go on with what holds no rows.

        Raises:
            ParameterError: as `Tables.check`; --resume without a --tsv file, or beside what would
                show the new rows only.
        """
        if self.resume and (self.tsv is None or is_outlet(self.tsv)):
            raise ParameterError("--resume goes on from the rows of a table: name it with --tsv.")
        others = [name for name in self.files() if name != "--tsv"] + ["--json"] * self.json
        if self.resume and others:
            raise ParameterError(
                f"--resume adds the rows that are missing to --tsv, and {others[0]} would show "
                "those alone: leave it out."
            )
        super().check(*inputs)


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


@dataclass(frozen=True, kw_only=True)
class ResumableOutput(ResumableTables, Output):
    """A table that can be gone on from, and a report."""


def leaves_files(command: Any) -> bool:
    """Whether a command was asked for files, which are worth its end even where nobody reads on."""
    output = getattr(command, "output", None)
    asked = isinstance(output, Tables) and output.files()
    return bool(asked) or getattr(command, "out", None) is not None


def print_json(value: Any) -> None:
    """Print JSON values on one line, escaped only where the terminal's encoding needs it."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    print(json.dumps(value, ensure_ascii=encoding != "utf8"))


def _same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:
        return os.path.realpath(first) == os.path.realpath(second)


def _holds_rows(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _is_stdout(path: Path) -> bool:
    try:
        return not is_outlet(path) and os.path.samestat(path.stat(), os.fstat(1))
    except OSError:
        return False
