"""The words and numbers that figures and reports share."""

import html
import math
import unicodedata
from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import Protocol

from rs_core.results import Certificate, ModelSpec
from rs_core.statistics import ceil_digits, floor_decimals

_LONGEST_NAME = 28
_FEW = 12  # indices that are listed one by one
_SMALL = 1e-9  # risks below it are shown as themselves: nobody counts so many nines


def printable(text: str) -> str:
    """The text with a space for each control, direction-changing or unencodable character."""
    return "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)


def network_text(spec: ModelSpec) -> str:
    """A network's name and the beginning of its weights' sha256, by which two of a name differ."""
    return f"{spec.name}-{spec.sha256[:8]}" if spec.sha256 else spec.name


def tidy(text: str) -> str:
    """The printable text on one line, without double spaces."""
    return " ".join(printable(text).split())


def plain(text: str) -> str:
    """The text such that a figure shows it as typed, markup included."""
    # plotly fills in %{...} even in legend names, before it reads the entities.
    return html.escape(tidy(text), quote=False).replace("%{", "%&#123;")


def share_text(p_lower: float, digits: int) -> str:
    """A lower bound of a share, rounded down; "-" where no votes stand behind a label."""
    return "-" if math.isnan(p_lower) else floor_decimals(p_lower, digits)


def class_text(index: int, names: Sequence[str]) -> str:
    """ "class 3 (cat)", or "class 7" where the name is unknown or the number itself."""
    name = tidy(names[index]) if index < len(names) else ""
    if not name or name == str(index):
        return f"class {index}"
    short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
    return f"class {index} ({short})"


def radius_text(radius: float) -> str:
    """A radius for display, rounded down; five decimals below 0.1, else three."""
    return floor_decimals(radius, 3 if radius >= 0.1 else 5)


def chance_text(alpha: float) -> str:
    """1 - alpha in decimals, rounded down and never 1: "0.999" for 0.001, "1 - 1e-12" for 1e-12.

    Args:
        alpha: above 0, at most 1.
    """
    risk = Decimal(repr(alpha))
    if alpha < _SMALL:
        return f"1 - {ceil_digits(alpha, 3)}"
    step = Decimal(1).scaleb(min(-6, risk.adjusted() - 1))
    return f"{(1 - risk).quantize(step, rounding=ROUND_FLOOR):f}".rstrip("0").rstrip(".")


def votes_text(certificate: Certificate) -> str:
    """ "980 of 1,000 votes" of the class that was certified or nearly was."""
    return f"{certificate.n_top:,} of {certificate.n:,} votes"


def wrap(text: str, width: int = 50) -> str:
    """The text broken into lines with `<br>`, because figure titles do not wrap by themselves."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "<br>".join(lines)


class Indexed(Protocol):
    """A result that names its images by their place in a data set."""

    @property
    def dataset(self) -> str:
        """In words; "" for single pictures."""
        ...

    @property
    def indices(self) -> tuple[int, ...]:
        """Of the images in it."""
        ...


def index_text(comparison: Indexed, *, short: bool = False) -> str:
    """Which images these are: print it beside every score.

    All indices, or first, last and step where that says it all. `short` leaves some out and says
    so; the whole list must then stand elsewhere.
    """
    indices = comparison.indices
    if not comparison.dataset:
        return f"{len(indices)} single {'pictures' if len(indices) > 1 else 'picture'}"
    steps = {b - a for a, b in pairwise(indices)}
    if len(indices) > _FEW and len(steps) == 1:
        which = f"{indices[0]}, {indices[1]}, ..., {indices[-1]} in steps of {steps.pop()}"
    elif len(indices) > _FEW and short:
        which = f"{', '.join(map(str, indices[:3]))}, ..., {indices[-1]} (uneven steps)"
    else:
        which = ", ".join(map(str, indices))
    noun = "image" if len(indices) == 1 else "images"
    return f"{len(indices)} {noun} of {tidy(comparison.dataset)}, index {which}"
