"""Between which numbers a described field lies, and how that is said."""

import math
from collections.abc import Mapping
from typing import Any


def is_inside(value: float, field: Mapping[str, Any]) -> bool:
    """Whether a number is within the limits of its field."""
    low, high = _limit(field, "low"), _limit(field, "high")
    above = low is None or value > low or (value == low and not field["low_open"])
    below = high is None or value < high or (value == high and not field["high_open"])
    return math.isfinite(value) and above and below


def range_text(field: Mapping[str, Any]) -> str:
    """The limits, after "give a number"."""
    low, high = _limit(field, "low"), _limit(field, "high")
    if low is not None and low == high:
        return f"of exactly {number_text(low)}"
    parts = []
    if low is not None:
        parts.append(f"{'above' if field['low_open'] else 'of at least'} {number_text(low)}")
    if high is not None:
        most = "at most" if parts else "of at most"
        parts.append(f"{'below' if field['high_open'] else most} {number_text(high)}")
    return " and ".join(parts) or "that are finite"


def number_text(number: float) -> str:
    """A number as people write it: 100,000,000 and not 1e+08."""
    whole = abs(number) < 1e15 and number == int(number)
    return f"{int(number):,}" if whole else f"{number:g}"


def _limit(field: Mapping[str, Any], end: str) -> float | None:
    limit = field[end]
    return None if limit is None or not math.isfinite(limit) else float(limit)
