"""The table of certificates that reports share, and the sentences that explain it."""

from collections.abc import Sequence
from typing import Any

from rs_core.abstention import why_abstains
from rs_core.plots.report import Statement, Table
from rs_core.plots.style import BadgeStyle, certificate_badge
from rs_core.plots.text import class_text, radius_text, share_text
from rs_core.results import Certificate
from rs_core.statistics import ceil_digits

_HEADER = ("guarantee", "sigma", "votes", "n", "lower bound of p", "alpha", "why it abstains")

READING_NOTES = (
    "Radius and sigma are in pixels of [0,1] at the network's input size; radii are rounded down.",
    "Inside the radius the smoothed classifier keeps its class: it says nothing about whether that "
    "class is the right one.",
    "An abstention is not an error and not a radius of zero that was proved: nothing is certified.",
    "C Fixed sigma: sigma was picked for this image and is held fixed; an attacker who can change "
    "sigma is not covered.",
    'Where the statement says "exact sums" it holds for what ran, at every 8-bit image and on the '
    'grid between them; where it says "in exact arithmetic" the rounding of float32 noise and '
    "sums is left out.",
    "Decoding, turning and resizing a file happen before certification and lie outside the radius.",
)


def certificate_table(
    caption: str,
    first: str,
    labels: Sequence[str],
    certificates: Sequence[Certificate],
    class_names: Sequence[str],
) -> Table:
    """One row per certificate; numbers rounded down, abstentions with their reason.

    Args:
        caption: of the table.
        first: header of the column of labels.
        labels: one per certificate.
        certificates: in the order of the rows.
        class_names: one per class, or empty.
    """
    silent = any(c.predicted is None for c in certificates)
    norms = " and ".join(sorted({c.norm for c in certificates}))
    guarantee, level, *rest = _HEADER if silent else _HEADER[:-1]
    level = "lambda" if norms == "l1" else level
    header = (first, "certified class", f"radius ({norms})", guarantee, level, *rest)
    rows: list[tuple[str | BadgeStyle, ...]] = []
    for label, c in zip(labels, certificates, strict=True):
        abstains = c.predicted is None
        row: tuple[str | BadgeStyle, ...] = (
            label,
            "abstains" if c.predicted is None else class_text(c.predicted, class_names),
            "-" if abstains else radius_text(c.radius),
            certificate_badge(c),
            _sigma(c),
            f"{c.n_top:,}",
            f"{c.n:,}",
            share_text(c.p_lower, 5),
            ceil_digits(c.alpha, 3),
            *([why_abstains(c) if abstains else ""] if silent else []),
        )
        rows.append(row)
    return Table(caption, header, rows)


def _sigma(c: Certificate) -> str:
    """The sigma that answers, and the one that was counted where that is another."""
    other = c.counted_at is not None and c.counted_at != c.sigma
    return f"{c.sigma:g} (votes at {c.counted_at:g})" if other else f"{c.sigma:g}"


def certificate_statement(certificate: Certificate, label: str = "") -> Statement:
    """The sentence of a certificate under its badge; an abstention carries no badge."""
    badge = None if certificate.predicted is None else certificate.guarantee
    return Statement(badge, f"{label}: {certificate.statement}" if label else certificate.statement)


def provenance(certificates: Sequence[Certificate]) -> dict[str, list[Any]]:
    """What is needed to repeat the certificates: each field's distinct values, in order."""
    fields = (
        *("weights_id", "image_digest", "precision", "preprocessing", "bound", "level", "noise"),
        *("counted_at", "seed", "n0", "device"),
    )
    return {name: list(dict.fromkeys(getattr(c, name) for c in certificates)) for name in fields}
