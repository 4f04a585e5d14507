"""The cells of a certification log: how each column is written as text and read back."""

import math
import re
from collections.abc import Callable
from typing import Any, get_args

from rs_core.errors import DataError
from rs_core.logs.columns import ORIGIN
from rs_core.logs.tables import plain_text
from rs_core.results import Badge

REQUIRED = ("idx", "predict", "radius")
_CORRECT = {"1": True, "0": False, "True": True, "False": False}
_TIME = re.compile(r"(?:(\d+) days?, )?(\d+):([0-5]\d):([0-5]\d(?:\.\d+)?)", re.ASCII)


def read_cell(name: str, cell: str, line: int) -> Any:
    """The value of one column's cell; None for an empty cell of an optional column.

    Raises:
        DataError: the cell is not what the column holds; names line, column and cell.
    """
    if not cell and name not in REQUIRED:
        return None
    try:
        return _READERS[name](cell)
    except (ValueError, KeyError, OverflowError):
        raise DataError(f"line {line}: {name}={cell[:40]!r} is not {_MEANING[name]}.") from None


def _whole(cell: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", cell):
        raise ValueError
    return int(cell)


def _number(cell: str) -> float:
    value = float(cell)
    if "_" in cell or not cell.isascii():  # Python would read 1_0 as 10
        raise ValueError
    if not (math.isfinite(value) and value >= 0):
        raise ValueError
    return value


def _seconds(cell: str) -> float:
    match = _TIME.fullmatch(cell)
    if match is None:
        return _number(cell)
    days, hours, minutes, seconds = match.groups()
    return (int(days or 0) * 24 + int(hours)) * 3600 + int(minutes) * 60 + float(seconds)


def _word(cell: str) -> str:
    if not cell.isprintable():  # a tab or a line's end would be another cell's
        raise ValueError
    return cell


def _seed(cell: str) -> int:
    if not re.fullmatch(r"[0-9]{1,80}", cell):
        raise ValueError
    return int(cell)


def _badge(cell: str) -> str:
    if cell not in get_args(Badge):
        raise ValueError
    return cell


_READERS: dict[str, Callable[[str], Any]] = {
    "idx": _whole,
    "label": _whole,
    "predict": lambda cell: None if cell == "-1" else _whole(cell),
    "radius": _number,
    "correct": _CORRECT.__getitem__,
    "time": _seconds,
    "sigma": _number,
    "alpha": _number,
    "n0": _whole,
    "n": _whole,
    "counts": lambda cell: tuple(_whole(count) for count in cell.split(",")),
    "guarantee": _badge,
    "weights": _word,
    "precision": _word,
    "bound": _word,
    "level": _number,
    "noise": _word,
    "seed": _seed,
    "device": _word,
    **dict.fromkeys(ORIGIN, plain_text),
}
_MEANING = {
    "predict": "a class index or -1 for abstain",
    "correct": "1 or 0",
    "time": "seconds or H:MM:SS.ffffff",
    "counts": "whole numbers separated by commas",
    "guarantee": "one of the badges A, B, C, D",
    **dict.fromkeys(("weights", "precision", "bound", "noise", "device"), "a word"),
    **dict.fromkeys(("idx", "label", "n0", "n", "seed"), "a whole number from 0 up"),
    **dict.fromkeys(("radius", "sigma", "alpha", "level"), "a finite number from 0 up"),
}
