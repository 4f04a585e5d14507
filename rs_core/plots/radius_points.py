"""The points of a radius curve: what is drawn where, and what its hover text says."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from rs_core.abstention import why_abstains
from rs_core.errors import ParameterError
from rs_core.plots.style import certificate_badge
from rs_core.plots.text import (
    class_text,
    plain,
    radius_text,
    votes_text,
)
from rs_core.results import Certificate, RadiusCurve
from rs_core.statistics import ceil_digits, radius_ceiling


class Band(NamedTuple):
    """The anytime-valid band of a sweep under way; sequences of length S, ascending sigma.

    `lower` and `upper` are radii, `upper` infinite (or NaN) where nothing limits it yet;
    `predicted` is None, or negative, where the sweep would abstain so far.
    """

    sigmas: Sequence[float]
    lower: Sequence[float]
    upper: Sequence[float]
    predicted: Sequence[int | None]
    done: int
    total: int


class Points(NamedTuple):
    """One series: legend name, coordinates and hover text, all of one length."""

    name: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    hover: tuple[str, ...]


class RadiusInfo(NamedTuple):
    """Everything a radius figure draws, as plain values.

    Fields:
        norm: of all radii, "l2" say.
        series: one per certified class; None where another class or an abstention stands.
        abstain: abstaining sigmas, at radius 0.
        zones: sigma intervals that abstain.
        ceiling: the radius that unanimous votes would certify.
        best: the re-certified point.
        band: lower and upper end where no certificate is yet; None where nothing limits it.
        top: upper end of the radius axis.
    """

    norm: str
    series: tuple[Points, ...]
    abstain: Points | None
    zones: tuple[tuple[float, float], ...]
    ceiling: Points | None
    best: Points | None
    band: tuple[Points, Points] | None
    top: float


def radius_info(curve: RadiusCurve, band: Band | None, names: Sequence[str]) -> RadiusInfo:
    """The points of a curve, and of the band where the curve has none yet.

    Raises:
        ParameterError: nothing to draw, or radii in different norms.
    """
    points = curve.certificates
    norms = {c.norm for c in points} or {"l2"}
    if len(norms) > 1:
        raise ParameterError(f"radii in {' and '.join(sorted(norms))}: draw one norm at a time.")
    live = _band(band, {c.sigma for c in points}, names) if band else None
    if not points and live is None:
        raise ParameterError("the curve holds no certificates: certify at one sigma at least.")
    ceiling = _ceiling(points) if norms == {"l2"} and points else None
    best = _best(curve.best, names)
    return RadiusInfo(
        norm=norms.pop(),
        series=_series(points, names),
        abstain=_abstentions(points),
        zones=_zones(points),
        ceiling=ceiling,
        best=best,
        band=live,
        top=_top(points, ceiling, [p for p in (best, *(live or ())) if p]),
    )


def _series(points: Sequence[Certificate], names: Sequence[str]) -> tuple[Points, ...]:
    """One line per certified class, broken where another class or an abstention comes between."""
    classes = dict.fromkeys(c.predicted for c in points if c.predicted is not None)
    return tuple(
        Points(
            name=plain(class_text(k, names)),
            x=tuple(c.sigma for c in points),
            y=tuple(c.radius if c.predicted == k else None for c in points),
            hover=tuple(_hover(c, names) for c in points),
        )
        for k in classes
    )


def _hover(c: Certificate, names: Sequence[str]) -> str:
    what = "abstains" if c.predicted is None else plain(class_text(c.predicted, names))
    return (
        f"<b>{what}</b><br>σ {c.sigma:g}<br>radius {radius_text(c.radius)} (rounded down)"
        f"<br>{votes_text(c)}<br>alpha {ceil_digits(c.alpha, 3)}<br>{certificate_badge(c).text}"
    )


def _abstentions(points: Sequence[Certificate]) -> Points | None:
    silent = [c for c in points if c.predicted is None]
    if not silent:
        return None
    hover = tuple(
        f"<b>abstains</b> at σ {c.sigma:g}<br>{why_abstains(c)}<br>{votes_text(c)}" for c in silent
    )
    zeros = (0.0,) * len(silent)
    return Points("abstains: nothing certified", tuple(c.sigma for c in silent), zeros, hover)


def _zones(points: Sequence[Certificate]) -> tuple[tuple[float, float], ...]:
    """The sigma intervals that abstain, reaching halfway to the nearest certified sigma."""
    sigmas = [c.sigma for c in points]
    middles = [(a + b) / 2 for a, b in pairwise(sigmas)]
    edges = [sigmas[0] * 0.9, *middles, sigmas[-1] * 1.03] if sigmas else []
    zones: list[tuple[float, float]] = []
    for c, (low, high) in zip(points, pairwise(edges), strict=True):
        if c.predicted is not None:
            continue
        if zones and zones[-1][1] == low:
            zones[-1] = (zones[-1][0], high)
        else:
            zones.append((low, high))
    return tuple(zones)


def _ceiling(points: Sequence[Certificate]) -> Points:
    limits = tuple(float(radius_ceiling(c.sigma, c.n, _paid(c))) for c in points)
    hover = tuple(
        f"<b>ceiling</b> at σ {c.sigma:g}<br>{c.n:,} of {c.n:,} votes would certify<br>"
        f"{radius_text(limit)}"
        for c, limit in zip(points, limits, strict=True)
    )
    # The ceiling is proportional to sigma, so it starts at the origin.
    sigmas = (0.0, *(c.sigma for c in points))
    return Points(
        "ceiling: all votes agree, at the curve's alpha", sigmas, (0.0, *limits), ("", *hover)
    )


def _paid(c: Certificate) -> float:
    """The level of the bound behind the radius, which may be a part of alpha."""
    return c.alpha if c.level is None else c.level


def _best(best: Certificate | None, names: Sequence[str]) -> Points | None:
    if best is None:
        return None
    outcome = "" if best.predicted is not None else f"<br>{why_abstains(best)}"
    name = f"{certificate_badge(best).text}: re-certified on fresh<br>draws, sigma held fixed"
    hover = f"{_hover(best, names)}<br>re-certified on fresh draws, sigma held fixed{outcome}"
    return Points(name, (best.sigma,), (best.radius,), (hover,))


def _band(band: Band, finished: set[float], names: Sequence[str]) -> tuple[Points, Points] | None:
    rows = [
        (float(sigma), max(float(low), 0.0), float(high), label)
        for sigma, low, high, label in zip(
            band.sigmas, band.lower, band.upper, band.predicted, strict=True
        )
        if sigma not in finished
    ]
    if not rows:
        return None
    hover = []
    for sigma, low, high, label in rows:
        known = label is not None and label >= 0
        what = plain(class_text(label or 0, names)) if known else "abstains so far"
        limit = f"at most {radius_text(high)}" if math.isfinite(high) else "no upper limit yet"
        hover.append(f"<b>{what}</b>, σ {sigma:g}<br>at least {radius_text(low)}<br>{limit}")
    sigmas, lower = tuple(row[0] for row in rows), tuple(row[1] for row in rows)
    upper = tuple(row[2] if math.isfinite(row[2]) else None for row in rows)
    name = "live: anytime-valid band"
    return Points(name, sigmas, lower, tuple(hover)), Points(name, sigmas, upper, tuple(hover))


def _top(points: Sequence[Certificate], ceiling: Points | None, others: Sequence[Points]) -> float:
    """Upper end of the radius axis: the ceiling may leave the picture, the radii may not."""
    radii = [c.radius for c in points] + [r for p in others for r in p.y if r is not None]
    highest = max(radii, default=0.0)
    limit = max((r for r in ceiling.y if r is not None), default=0.0) if ceiling else highest
    wanted = min(limit, 1.6 * highest) if highest > 0 else limit
    return 1.1 * max(wanted, highest) or 1.0
