"""Certificates as aligned text."""

from collections.abc import Sequence

from rs_core.images import ImageInput
from rs_core.results import BADGE_WORDS, Certificate
from rs_core.smoothing.statements import class_label
from rs_core.statistics import floor_decimals

_HEADER = ("sigma", "class", "radius", "votes", "n", "p_lower", "badge")


def certificate_table(
    certificates: Sequence[Certificate],
    class_names: tuple[str, ...],
    names: Sequence[str] | None = None,
) -> str:
    """One row per certificate; radii floored to three decimals, abstain shown as abstain."""
    rows = [_HEADER, *(_row(c, class_names) for c in certificates)]
    if names is not None:
        rows = [(name, *row) for name, row in zip(("image", *names), rows, strict=True)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(lines)


def image_notes(image: ImageInput, class_names: tuple[str, ...]) -> list[str]:
    """What was done to the image, and its true class where it is known."""
    known = [] if image.label is None else [f"true class {class_label(image.label, class_names)}"]
    return [*image.preprocessing, *known]


def _badge(certificate: Certificate) -> str:
    return f"{certificate.guarantee} {BADGE_WORDS[certificate.guarantee]}"


def _row(certificate: Certificate, class_names: tuple[str, ...]) -> tuple[str, ...]:
    predicted = certificate.predicted
    return (
        f"{certificate.sigma:g}",
        "abstain" if predicted is None else class_label(predicted, class_names),
        floor_decimals(certificate.radius, 3),
        f"{certificate.n_top:,}",
        f"{certificate.n:,}",
        floor_decimals(certificate.p_lower, 4),
        "-" if predicted is None else _badge(certificate),
    )
