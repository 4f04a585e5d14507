"""Tab-separated files: written whole, numbers in full precision, unknown values left empty."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from errno import EISDIR
from os import PathLike
from pathlib import Path
from typing import Any, TextIO

from rs_core.durable import write_durably
from rs_core.errors import DataError
from rs_core.fields import shown
from rs_core.results import to_json

# Spreadsheets take a cell that begins so for a formula, and run it; a quotation mark would swallow
# the cells after it. An apostrophe in front makes it text, and one more where a name has one.
_RUN = re.compile("'*[=+\\-@\"\uff1d\uff0b\uff0d\uff20]")


def write_table(
    target: str | PathLike[str] | TextIO, columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """Writes a header and rows of cells; a file at a path is replaced whole or left as it was.

    Raises:
        DataError: the file cannot be written, or `target` is neither a path nor a text file.
    """
    text = "".join("\t".join(cells) + "\n" for cells in (columns, *rows))
    try:
        if isinstance(target, str | PathLike):
            write_durably(_file_path(target), text.encode())
        else:
            target.write(text)
    except (OSError, ValueError) as error:  # ValueError: a null byte, a closed file
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(
            f"the log {place(target)} cannot be written ({reason}): "
            "choose a folder that exists and has room."
        ) from error
    except (AttributeError, TypeError) as error:
        raise DataError(
            f"the log cannot be written to {shown(target)}: give a path, or a file open for text."
        ) from error


def place(target: object) -> str:
    """A path in full, or what else stands for a file, for a sentence."""
    return repr(str(target)) if isinstance(target, str | PathLike) else shown(target)


def _file_path(target: str | PathLike[str]) -> Path:
    path = Path(target)
    if path.is_dir():  # "" and "." too
        raise IsADirectoryError(EISDIR, "it is a folder")
    return path


def clock_text(seconds: float) -> str:
    """Seconds as H:MM:SS.ffffff, hours unbounded.

    Raises:
        DataError: it is no number from 0 up, or more than `timedelta` holds.
    """
    try:
        micros = timedelta(seconds=float(seconds)) // timedelta(microseconds=1)
    except (TypeError, ValueError, OverflowError):
        micros = -1
    if micros < 0:
        raise DataError(f"time={shown(seconds)} is not a number of seconds from 0 to 8.6e13.")
    minutes, micros = divmod(micros, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{micros // 1_000_000:02d}.{micros % 1_000_000:06d}"


def whole_text(value: int | None) -> str:
    """A whole number as it is, or nothing; what is no whole number shows for what it is."""
    return "" if value is None else str(value)


def exact_text(value: float | None) -> str:
    """A number that reads back as itself, or nothing.

    Raises:
        DataError: it is no number.
    """
    try:
        return "" if value is None else repr(float(value))
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{shown(value)} is not a number: give a finite one.") from None


def text_cell(text: str) -> str:
    """Words as a cell: on one line, an apostrophe in front of what a spreadsheet would run.

    `plain_text` takes the apostrophe away again.
    """
    line = "".join(c if c.isprintable() else " " for c in str(text))
    line = " ".join(line.split())
    return f"'{line}" if _RUN.match(line) else line


def plain_text(cell: str) -> str:
    """The words that `text_cell` wrote."""
    return cell[1:] if cell.startswith("'") and _RUN.match(cell) else cell


def settings_cell(settings: Mapping[str, Any]) -> str:
    """Settings by name, JSON values, as a cell; empty for none."""
    return text_cell(json.dumps(to_json(settings), ensure_ascii=False)) if settings else ""
