"""The tables of a comparison: one of scores for each badge, and one row per image."""

import math
from collections.abc import Sequence

from rs_core.plots.compare.points import by_badge, fate_of, method_names
from rs_core.plots.report import Table
from rs_core.plots.style import BADGES
from rs_core.plots.text import class_text, index_text, radius_text, tidy
from rs_core.results import Badge, Certificate
from rs_core.results.comparison import (
    Comparison,
    MethodScore,
    best_fixed_sigma,
    method_scores,
    oracle_radii,
)
from rs_core.statistics import floor_decimals

PROMISES = {
    "global_sigma": "σ was fixed before anybody saw an image: with probability at least 1 - alpha "
    "for each image, the smoothed classifier is constant in its ball, whoever attacks.",
    "grid_minimum": "every σ that the selector may answer was certified and all agree: whatever σ "
    "it picks at a changed image, the class stays. The radius is the smallest of them.",
    "cascade": "the largest σ at which a class has more than half answers. It was certified that "
    "this class has it at one σ and that no other class has it at a larger one: whatever a "
    "changed image makes of that, the class stays.",
    "sukenik": "σ changes slowly with the image, and the certificate pays for that: it holds "
    "against anyone.",
    "memory": "holds for queries after a point was stored; it depends on the order of the points.",
    "regions": "holds for queries after the allocation was frozen.",
    "frozen": "true of the classifier frozen at the σ that was picked for this image; it says "
    "nothing of one that picks σ again at a changed image.",
}
ORACLE_WARNING = (
    "The oracle is not a defence: it is the largest radius of each image's curve, looked up "
    "afterwards, so no certificate at level alpha stands behind it. A method that looks at other "
    "noise levels than the curve's, or draws other copies, can come out above it."
)
_SCORES = (
    "method", "mean radius (ACR), pixels of [0,1]", "certified accuracy", "abstentions",
    "draws that chose", "CPU seconds", "error of each statement",
)  # fmt: skip


def promise(guarantee: str, certificates: Sequence[Certificate] | None = None) -> str:
    """What a guarantee claims of these certificates; "" where there is nothing to say.

    Args:
        guarantee: its name.
        certificates: that stand below it; None before there are any.
    """
    words = PROMISES.get(guarantee, "")
    silent = 0 if certificates is None else sum(c.predicted is None for c in certificates)
    if guarantee != "grid_minimum" or not silent or certificates is None:
        return words  # the others promise nothing of what was drawn
    if silent == len(certificates):
        return "no image is certified, so nothing is claimed of any."
    return f"where an image is certified: {words}"


def score_tables(comparison: Comparison) -> list[tuple[Badge, Table]]:
    """A table per badge, strongest first; methods in the order asked for, never ranked."""
    budgets = [method.budget for method in comparison.methods]
    return live_tables(method_scores(comparison), budgets, index_text(comparison, short=True))


def live_tables(
    scores: Sequence[MethodScore], budgets: Sequence[str], where: str
) -> list[tuple[Badge, Table]]:
    """The same of the methods that are finished so far.

    Args:
        scores: one per method.
        budgets: the error of each statement, as a printed sum; "" where it is not known yet.
        where: the index set in words, for the captions.
    """
    names = method_names(scores)
    return [
        (
            badge,
            Table(
                f"{BADGES[badge].text}: {where}",
                _SCORES,
                [_scored(names[i], scores[i], budgets[i]) for i in indices],
            ),
        )
        for badge, indices in by_badge(scores)
    ]


def oracle_table(comparison: Comparison) -> Table | None:
    """The best single sigma and the oracle, both seen afterwards; None without curves.

    Where a true class is unknown any class counts there, and the heading says so.
    """
    if not comparison.curves:
        return None
    sigma, mean = best_fixed_sigma(comparison)
    radii = oracle_radii(comparison)
    known = all(label is not None for label in comparison.labels)
    mixed = "" if known else " (where no class is known, any counts)"
    rows = [
        (f"best single σ, {sigma:.4g} for all", _number(mean)),
        ("oracle: each image's own best σ", _number(math.fsum(radii) / len(radii))),
    ]
    return Table(
        f"Seen afterwards, not certificates: {index_text(comparison, short=True)}",
        ("what", f"mean radius, pixels of [0,1]{mixed}"),
        rows,
    )


def image_table(comparison: Comparison, class_names: tuple[str, ...] = ()) -> Table:
    """A row per image: its true class, and each method's sigma and radius."""
    names = method_names(comparison.methods)
    header = ("image", "index", "true class", *names)
    rows = []
    for i, name in enumerate(comparison.names):
        label = comparison.labels[i]
        cells = [image_cell(m.certificates[i], label) for m in comparison.methods]
        truth = "-" if label is None else class_text(label, class_names)
        rows.append((tidy(name), str(comparison.indices[i]), truth, *cells))
    return Table("Every image: σ and certified radius", header, rows)


def image_cell(certificate: Certificate, label: int | None) -> str:
    """ "σ 0.25: 0.412", with "wrong" where the class is, or that it abstains."""
    start, fate = f"σ {certificate.sigma:.4g}:", fate_of(certificate, label)
    if fate == "abstains":
        return f"{start} abstains"
    wrong = ", wrong class" if fate == "wrong" else ""
    return f"{start} {radius_text(certificate.radius)}{wrong}"


def _scored(name: str, score: MethodScore, budget: str) -> tuple[str, ...]:
    return (
        name,
        _number(score.acr),
        "-" if math.isnan(score.accuracy) else f"{floor_decimals(100 * score.accuracy, 1)}%",
        str(score.abstentions),
        f"{score.draws:,.0f}",
        f"{score.seconds:.1f}",
        budget,
    )


def _number(value: float) -> str:
    return "-" if math.isnan(value) else radius_text(value)
