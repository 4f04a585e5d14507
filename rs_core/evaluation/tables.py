"""Tab-separated files: written whole, numbers in full precision, unknown values left empty."""

import io
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TextIO

from rs_core.durable import write_durably
from rs_core.errors import DataError


def write_table(
    target: str | Path | TextIO, columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """Writes a header and rows of cells; a file at a path is replaced whole or left as it was.

    Raises:
        DataError: the file cannot be written.
    """
    text = "".join("\t".join(cells) + "\n" for cells in (columns, *rows))
    if isinstance(target, io.TextIOBase) or not isinstance(target, str | Path):
        target.write(text)
        return
    try:
        write_durably(Path(target), text.encode())
    except OSError as error:
        raise DataError(
            f"the log {str(target)!r} cannot be written ({error.strerror}): "
            "choose a folder that exists and has room."
        ) from error


def clock_text(seconds: float) -> str:
    """Seconds as H:MM:SS.ffffff, hours unbounded."""
    micros = timedelta(seconds=seconds) // timedelta(microseconds=1)
    minutes, micros = divmod(micros, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{micros // 1_000_000:02d}.{micros % 1_000_000:06d}"


def whole_text(value: int | None) -> str:
    """A whole number, or nothing."""
    return "" if value is None else str(int(value))


def exact_text(value: float | None) -> str:
    """A number that reads back as itself, or nothing."""
    return "" if value is None else repr(float(value))
