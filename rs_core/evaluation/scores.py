"""What a certification log says: certified accuracy, average radius, and the alpha behind it."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from scipy.special import log_ndtr

from rs_core.errors import DataError
from rs_core.logs.certificates import LogRow

_FEWEST_SATURATED = 3
_PLAUSIBLE = (1e-12, 0.5)


def index_set(rows: Iterable[LogRow]) -> tuple[int, ...]:
    """The data-set indices of the rows, ascending: print it beside every score.

    Scores on different index sets are not comparable.

    Raises:
        DataError: an index occurs twice, so that an image would count twice.
    """
    tally = Counter(row.idx for row in rows)
    twice = sorted(idx for idx, times in tally.items() if times > 1)
    if twice:
        raise DataError(
            f"index {twice[0]} occurs {tally[twice[0]]} times in this log: score one row per "
            "image (one sigma at a time, say)."
        )
    return tuple(sorted(tally))


def certified_accuracy(rows: Sequence[LogRow], radii: Iterable[float]) -> tuple[float, ...]:
    """Share of images that are correct with a certified radius >= r, one number per r.

    Cohen et al. (2019): mean(correct and R >= r). An abstention is never correct.

    Args:
        rows: one per image, all with true labels.
        radii: pixels of [0,1].

    Raises:
        DataError: no rows, a row without a true label, or an image twice.
    """
    hits = _correct(rows)
    return tuple(
        sum(hit and row.radius >= r for hit, row in zip(hits, rows, strict=True)) / len(rows)
        for r in radii
    )


def average_certified_radius(rows: Sequence[LogRow]) -> float:
    """ACR in pixels of [0,1]: mean(R * correct) over all images (Zhai et al., MACER, 2020).

    Args:
        rows: one per image, all with true labels.

    Raises:
        DataError: no rows, a row without a true label, or an image twice.
    """
    hits = _correct(rows)
    return math.fsum(row.radius for hit, row in zip(hits, rows, strict=True) if hit) / len(rows)


def _correct(rows: Sequence[LogRow]) -> list[bool]:
    if not index_set(rows):
        raise DataError("the log holds no rows: there is nothing to score.")
    unknown = sum(row.correct is None for row in rows)
    if unknown:
        raise DataError(
            f"{unknown} of {len(rows)} rows have no true label: accuracy and ACR need the label "
            "of every row, so fill it in or show the radii alone."
        )
    return [bool(row.correct) and row.predict is not None for row in rows]


def infer_alpha(
    rows: Iterable[LogRow], *, sigma: float | None = None, n: int | None = None
) -> float | None:
    """The alpha that a log was certified at, read off its saturated rows; None if it has none.

    A row whose n votes all agree has R/sigma = PhiInv(alpha^(1/n)) (one-sided Clopper-Pearson),
    so Phi(R/sigma)^n = alpha. Rows with counts show by themselves whether they saturate; of rows
    without, the largest R/sigma is believed when at least three rows share it. Radii of three
    significant digits, as Cohen's logs print them, leave a range: its roundest alpha is returned.
    A row without a recorded bound is taken for one of Clopper and Pearson's. The two-sided bound
    pays alpha/(K+1) for each of its bounds, which is made up for. Anytime-valid rows say nothing of
    alpha, and neither do rows whose radius is less than their recorded level allows (the weakest of
    several sigmas, say).

    Args:
        rows: of one log.
        sigma: pixels of [0,1], for logs without a sigma column.
        n: certifying draws, for logs without an n column.
    """
    spans: list[_Span] = []
    proven = False
    for row in rows:
        row_sigma, row_n = row.sigma or sigma, row.n or n
        unanimous = bool(row.counts) and max(row.counts[:-1], default=0) == sum(row.counts)
        parts = _parts(row)
        if parts and row.radius > 0 and row_sigma and row_n and (unanimous or not row.counts):
            span = _level_span(row.radius, row_sigma, row_n)
            if row.level is not None and not span.low <= row.level <= span.high:
                continue
            spans.append(_Span(span.low * parts, span.high * parts))
            proven = proven or unanimous
    if not spans:
        return None
    low = max(span.low for span in spans)
    saturated = [span for span in spans if span.high >= low]
    if not proven and len(saturated) < _FEWEST_SATURATED:
        return None
    if not _PLAUSIBLE[0] <= low <= _PLAUSIBLE[1]:
        return None
    return _roundest(low, min(span.high for span in saturated))


class _Span(NamedTuple):
    low: float
    high: float


def _parts(row: LogRow) -> float:
    """Into how many parts alpha was shared out for the row's bound; 0 where that is not known.

    Two-sided rows that name no level are of older versions, which shared it out among all classes.
    """
    if row.bound not in (None, "clopper-pearson", "two-sided"):
        return 0
    if row.level and row.alpha:
        return row.alpha / row.level
    return len(row.counts) if row.bound == "two-sided" else 1


def _level_span(radius: float, sigma: float, n: int) -> _Span:
    """The levels at which a unanimous row would print this radius."""
    rounded = float(f"{radius:.3g}") == radius
    half = 0.5 * 10.0 ** (math.floor(math.log10(radius)) - 2) if rounded else 1e-9 * radius
    low, high = (math.exp(n * log_ndtr(r / sigma)) for r in (radius - half, radius + half))
    return _Span(low, high)


def _roundest(low: float, high: float) -> float:
    """A power of ten between two numbers, else the one with the fewest digits near their middle."""
    middle = (low + high) / 2
    power = f"1e{round(math.log10(middle))}"
    for text in (power, f"{middle:.1g}", f"{middle:.2g}"):
        if low <= float(text) <= high:
            return float(text)
    return float(f"{middle:.3g}")
