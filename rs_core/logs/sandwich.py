"""A strip of sandwiches as a tab-separated file: one row per image, both ends."""

from collections.abc import Sequence
from os import PathLike
from typing import TextIO

from rs_core.logs.columns import SANDWICH_COLUMNS
from rs_core.logs.origin import Origin
from rs_core.logs.tables import exact_text, text_cell, whole_text, write_table
from rs_core.results.sandwich import Sandwich, SandwichStrip, confirmed_norm


def write_sandwiches(
    target: str | PathLike[str] | TextIO, strip: SandwichStrip, origin: Origin | None = None
) -> None:
    """Writes a row per sandwich, in the strip's order, under `SANDWICH_COLUMNS`.

    idx and name are the image's; predict the certified class, -1 for abstain; lower the certified
    radius of the right answer; upper the smallest confirmed norm (0 for a misclassified image) and
    stored_upper the same for the 8-bit copy, both empty where none was found; confirmed is 1, 0,
    or empty where nothing was attacked; hollow is the norm of a success that fresh noise did not
    confirm; consistent is 0 where the ends cross; pipeline_upper belongs to the system that picks
    sigma again. Norms are l2, in pixels of [0,1], in full precision.

    Raises:
        DataError: the file cannot be written.
    """
    indices = strip.indices or tuple(range(len(strip.sandwiches)))
    origin = origin or Origin(strip.dataset)
    rows = [
        (*_cells(strip, index, one), *_drawn(one, origin))
        for index, one in zip(indices, strip.sandwiches, strict=True)
    ]
    write_table(target, SANDWICH_COLUMNS, rows)


def _drawn(one: Sandwich, origin: Origin) -> Sequence[str]:
    """How the lower end was drawn, and of what image."""
    certificate = one.certificate
    words = (
        origin.dataset, origin.split, certificate.image_digest, origin.version, origin.command
    )  # fmt: skip
    return (
        certificate.bound,
        exact_text(certificate.level),
        certificate.noise,
        str(certificate.seed),
        certificate.device,
        *map(text_cell, words),
    )


def _cells(strip: SandwichStrip, index: int, one: Sandwich) -> Sequence[str]:
    certificate = one.certificate
    return (
        str(index),
        text_cell(one.name),
        whole_text(one.label),
        "-1" if certificate.predicted is None else str(certificate.predicted),
        exact_text(one.lower),
        exact_text(certificate.sigma),
        exact_text(one.upper),
        exact_text(one.stored_upper),
        "" if one.attack is None else str(int(bool(one.attack.confirmed))),
        exact_text(one.hollow),
        exact_text(one.gap),
        str(int(one.consistent)),
        exact_text(confirmed_norm(one.pipeline)),
        exact_text(strip.alpha),
        exact_text(strip.alpha_attack),
        exact_text(strip.joint_alpha),
        str(certificate.n0),
        str(certificate.n),
        ",".join(str(count) for count in certificate.counts),
        certificate.guarantee,
        certificate.weights_id,
        certificate.precision,
    )
