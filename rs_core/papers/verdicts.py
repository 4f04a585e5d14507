"""Whether a claim held: a rule that was written down before anything was run (docs/papers.md)."""

import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from rs_core.papers.published import published
from rs_core.papers.scores import Measured
from rs_core.papers.table import METRICS, Exceeds, Reaches, Row
from rs_core.results.paper import Outcome, Published, Verdict
from rs_core.statistics import paired_difference

FEWEST_IMAGES = 30  # below which no claim is told

Results = Mapping[str, Sequence[Measured]]  # by label, a seed each


def outcome_of(difference: float, margin: float, images: int) -> Outcome:
    """The rule: *held* where the difference is above 0 by more than its margin, *did not hold at
    this size* where it is below 0 by more, *cannot be told* between, or on fewer than 30 images.

    Args:
        difference: first minus second, minus what the claim asks for.
        margin: as of `PairedDifference`; NaN where there is none.
        images: on which both were measured.
    """
    if images < FEWEST_IMAGES or math.isnan(margin) or abs(difference) <= margin:
        return "cannot be told"
    return "held" if difference > 0 else "did not hold at this size"


def exceeds(claim: Exceeds, results: Results) -> Verdict:
    """The verdict on a paired difference over the same images, and over seeds where several."""
    pair = [results[label] for label in (claim.larger, claim.smaller)]
    first, second = (
        np.stack([one.values(claim.metric, claim.radius) for one in measured]) for measured in pair
    )
    found = paired_difference(first, second)
    difference = found.mean - claim.least
    badges = tuple(measured[0].scores().badge for measured in pair)
    what = METRICS[claim.metric]
    what += f" at {claim.radius:g}" if claim.metric == "accuracy" else ""
    asked = f", less {claim.least:g}" if claim.least else ""
    return Verdict(
        claim=claim.words,
        compared=f"{what} of {claim.larger} minus that of {claim.smaller}{asked}",
        badges=badges,
        difference=difference,
        margin=found.margin,
        images=found.images,
        seeds=found.seeds,
        outcome=outcome_of(difference, found.margin, found.images),
        reason=_reason(found.images, found.seeds, badges),
    )


def reaches(claim: Reaches, row: Row, measured: Sequence[Measured], *, whole: bool) -> Verdict:
    """The verdict on a mean ACR beside the mean of published ones.

    Args:
        claim: which row, and what counts as near.
        row: it, with the published keys.
        measured: it, a seed each.
        whole: whether all images of the table were certified; a part is not the published set.
    """
    own = [float(one.values("acr").mean()) for one in measured]
    beside = [published(key) for key in row.published]
    theirs = [one.acr for one in beside if one.acr is not None]
    reason = _unlike(beside, measured[0], whole=whole)
    difference = statistics.fmean(own) - statistics.fmean(theirs) if theirs else math.nan
    margin = math.nan
    outcome: Outcome = "cannot be told"
    if not reason:
        margin = claim.deviations * statistics.stdev(theirs) + claim.slack
        outcome = "held" if abs(difference) <= margin else "did not hold at this size"
    return Verdict(
        claim=claim.words,
        compared=f"ACR of {claim.label} minus the mean of {len(theirs)} published ones; near is "
        f"{claim.deviations:g} of their standard deviations + {claim.slack:g}",
        badges=(measured[0].scores().badge,),
        difference=difference,
        margin=margin,
        images=len(measured[0].rows),
        seeds=len(own),
        outcome=outcome,
        reason=reason,
    )


def _unlike(beside: Sequence[Published], own: Measured, *, whole: bool) -> str:
    """Why ACRs cannot be set beside each other, in words; "" where they can."""
    if not whole:
        return "fewer images than the published rows have"
    if sum(one.acr is not None for one in beside) < 2:
        return "fewer than two published rows with an ACR"
    n = own.rows[0].n or 0
    most = max(one.n or 0 for one in beside)
    # Where all n draws agree a radius ends at sigma PhiInv(alpha^(1/n)): fewer cannot reach more.
    return f"n={n:,}, and the published rows have {most:,}" if n < most else ""


def _reason(images: int, seeds: int, badges: Sequence[str]) -> str:
    """What limits a verdict, in words."""
    parts = []
    if images < FEWEST_IMAGES:
        parts.append(f"{images} images, and fewer than {FEWEST_IMAGES} tell nothing")
    if seeds == 1:
        parts.append("one seed: of these networks, not of the way of training")
    if len(set(badges)) > 1:
        parts.append(f"badges {' and '.join(badges)} claim different things")
    return "; ".join(parts)
