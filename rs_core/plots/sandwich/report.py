"""The report of a strip of sandwiches."""

from collections.abc import Mapping, Sequence
from typing import Any

from rs_core.plots.report import Statement, Table, html_report
from rs_core.plots.sandwich.bars import STATES, state_of, state_words, upper_text, upper_words
from rs_core.plots.sandwich.facts import pipeline_text
from rs_core.plots.sandwich.figure import sandwich_figure
from rs_core.plots.style import certificate_badge
from rs_core.plots.tables import READING_NOTES
from rs_core.plots.text import class_text, radius_text
from rs_core.results.crossings import crossing_report, crossing_sentence
from rs_core.results.sandwich import Sandwich, SandwichStrip, confirmed_norm
from rs_core.statistics import ceil_digits

_SPELLED_OUT = 4


def sandwich_report(
    strip: SandwichStrip,
    *,
    title: str = "Sandwich",
    names: Sequence[str] | None = None,
    class_names: Sequence[str] = (),
    notes: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> str:
    """A self-contained HTML document: what is known of each image, the bars, every number.

    Crossing ends are said first, and all that a bug report needs stands among the settings.

    Args:
        strip: at least one sandwich.
        title: plain text.
        names: one per image in the strip's order; its own by default.
        class_names: one per class; empty for numbers alone.
        notes: added before the standing ones.
        settings: added to the strip's own.

    Raises:
        ParameterError: no sandwiches, or names that do not fit.
    """
    figure = sandwich_figure(strip, names)
    shown = list(names or [one.name for one in strip.sandwiches])
    own: dict[str, Any] = {**(strip.settings or {}), **(settings or {})}
    if strip.crossings:
        own["crossing_report"] = crossing_report(strip)
    joint = ceil_digits(strip.joint_alpha, 3)
    return html_report(
        title,
        _statements(strip, shown),
        [figure],
        [_table(strip, shown, class_names)],
        [
            f"Both ends are statements about one classifier, frozen at the sigma that was "
            f"{strip.sigma_from}; P(an end of one image is false) ≤ "
            f"{ceil_digits(strip.alpha, 3)} + {ceil_digits(strip.alpha_attack, 3)} = {joint}.",
            f"An attack counts only if PREDICT on noise that it never saw returns another class, "
            f"asked at most {strip.confirmations} times per attack at alpha/{strip.confirmations}.",
            f"Where no attack was found, none up to {strip.eps:g} was found by this one: that "
            "proves nothing.",
            "Lower ends are rounded down, upper ends up.",
            *filter(None, [pipeline_text(strip)]),
            *notes,
            *READING_NOTES,
        ],
        settings=own,
    )


def sandwich_sentence(one: Sandwich, name: str, eps: float) -> str:
    """What is known of one image, in one line."""
    state = state_of(one)
    if state == "crossing":
        return crossing_sentence(one)
    if state == "misclassified":
        return f"{name}: {STATES[state]}"
    abstains = one.certificate.predicted is None
    lower = "nothing certified" if abstains else f"certified radius {radius_text(one.lower)}"
    upper = upper_words(one.upper, one.hollow, eps)
    return f"{name}: {lower}; {STATES[state] if state == 'unasked' else upper}"


def _statements(strip: SandwichStrip, names: Sequence[str]) -> list[Statement]:
    found = [Statement(None, crossing_sentence(one)) for one in strip.crossings]
    pairs = list(zip(names, strip.sandwiches, strict=True))
    if len(pairs) <= _SPELLED_OUT:
        rest = [(name, one) for name, one in pairs if one.consistent]
        return found + [
            Statement(_backing(one), sandwich_sentence(one, name, strip.eps)) for name, one in rest
        ]
    certified = sum(one.lower > 0 for _, one in pairs)
    closed = sum(one.upper is not None for _, one in pairs)
    badge = next((_backing(one) for _, one in pairs if one.lower > 0), None)
    text = (
        f"{certified} of {len(pairs)} images certified, {closed} with a confirmed upper end. Each "
        f"image's two ends hold together with probability at least 1 - "
        f"{ceil_digits(strip.joint_alpha, 3)}."
    )
    return [*found, Statement(badge, text)]


def _backing(one: Sandwich) -> Any:
    return one.certificate.guarantee if one.lower > 0 else None


def _table(strip: SandwichStrip, names: Sequence[str], class_names: Sequence[str]) -> Table:
    piped = any(one.pipeline is not None for one in strip.sandwiches)
    header = (
        *("image", "true class", "certified class", "guarantee", "sigma", "lower end"),
        *("upper end", "of its 8-bit copy", "what it is"),
        *(("pipeline re-picks sigma",) if piped else ()),
    )
    rows = []
    for name, one in zip(names, strip.sandwiches, strict=True):
        predicted, label = one.certificate.predicted, one.label
        second = confirmed_norm(one.pipeline)
        rows.append((
            name,
            "-" if label is None else class_text(label, class_names),
            "abstains" if predicted is None else class_text(predicted, class_names),
            certificate_badge(one.certificate),
            f"{one.certificate.sigma:g}",
            radius_text(one.lower),
            "-" if one.upper is None else upper_text(one.upper),
            "-" if one.stored_upper is None else upper_text(one.stored_upper),
            state_words(one),
            *(("-" if second is None else upper_text(second),) if piped else ()),
        ))  # fmt: skip
    return Table("Both ends (l2, pixels of [0,1])", header, rows)
