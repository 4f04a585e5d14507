"""Sandwiches as aligned text."""

from collections.abc import Sequence

from rs_core.cli.outputs.text import aligned
from rs_core.plots.sandwich.bars import state_of, state_words, upper_text
from rs_core.plots.text import tidy
from rs_core.results.sandwich import Sandwich, SandwichStrip, confirmed_norm
from rs_core.smoothing.statements import class_label
from rs_core.statistics import floor_decimals

_HEADER = ("image", "class", "sigma", "lower", "upper", "8-bit", "badge", "what it is")


def sandwich_table(strip: SandwichStrip, class_names: tuple[str, ...], names: Sequence[str]) -> str:
    """One row per image; a column for the pipeline where it was attacked."""
    piped = any(one.pipeline is not None for one in strip.sandwiches)
    rows = [(*_HEADER, *(("pipeline",) if piped else ()))]
    for name, one in zip(names, strip.sandwiches, strict=True):
        second = (_upper(confirmed_norm(one.pipeline)),) if piped else ()
        rows.append((name, *_row(one, class_names, strip.eps), *second))
    return aligned(rows)


def _row(one: Sandwich, class_names: tuple[str, ...], eps: float) -> tuple[str, ...]:
    certificate, state = one.certificate, state_of(one)
    predicted = certificate.predicted
    words = state_words(one)
    if state == "open":
        words = f"none found up to {eps:g}"
    if state == "unconfirmed" and one.hollow is not None:
        words = f"unconfirmed at {upper_text(one.hollow)}"
    return (
        "abstain" if predicted is None else tidy(class_label(predicted, class_names)),
        f"{certificate.sigma:g}",
        "-" if predicted is None else floor_decimals(one.lower, 3),
        _upper(one.upper),
        _upper(one.stored_upper),
        "-" if predicted is None else certificate.guarantee,
        words,
    )


def _upper(norm: float | None) -> str:
    return "-" if norm is None else upper_text(norm)
