"""What a strip of sandwiches draws: one bar per image, as plain values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rs_core.errors import ParameterError
from rs_core.plots.text import plain, radius_text, wrap
from rs_core.results.crossings import VERDICT
from rs_core.results.sandwich import Sandwich, SandwichStrip, confirmed_norm
from rs_core.statistics import ceil_digits

State = Literal[
    "closed", "open", "unconfirmed", "unasked", "crossing", "misclassified", "running"
]  # fmt: skip
STATES: dict[State, str] = {
    "closed": "both ends",
    "open": "no attack found",
    "unconfirmed": "attack unconfirmed",
    "unasked": "no attack was made",
    "crossing": VERDICT,
    "misclassified": "misclassified as it is: both ends 0",
    "running": "under way",
}


class Pipeline(NamedTuple):
    """The second row: the attack on the system that picks sigma again.

    `upper` is its confirmed norm, None for none; `reach` the same, or the budget.
    """

    upper: float | None
    reach: float
    hover: str


class Bar(NamedTuple):
    """One image's sandwich.

    Fields:
        name: for people.
        state: which of the cases it is.
        lower: certified, 0 for none.
        upper: confirmed, None for none.
        hollow: norm of an unconfirmed success, None for none.
        reach: where the hatched gap ends: at the upper end, or at the budget.
        abstains: nothing is certified.
        settled: whether `lower` is a finished certificate's.
        hover: what the mouse reads.
        pipeline: the second row, None where it was not asked for.
    """

    name: str
    state: State
    lower: float
    upper: float | None
    hollow: float | None
    reach: float
    abstains: bool
    settled: bool
    hover: str
    pipeline: Pipeline | None


def upper_text(norm: float) -> str:
    """An upper end for display: three digits, rounded up."""
    return ceil_digits(norm, 3)


def sandwich_bars(strip: SandwichStrip, names: Sequence[str] | None = None) -> tuple[Bar, ...]:
    """The bars of a strip: crossing ones first, then by gap, open ends last.

    Args:
        strip: at least one sandwich.
        names: one per image in the strip's order; its own by default.

    Raises:
        ParameterError: no sandwiches, or names that do not fit.
    """
    if not strip.sandwiches:
        raise ParameterError("there is no sandwich to draw: make one at least.")
    if names is not None and len(names) != len(strip.sandwiches):
        raise ParameterError(
            f"{len(names)} names for {len(strip.sandwiches)} images: give one each."
        )
    shown = zip(strip.sandwiches, names or [s.name for s in strip.sandwiches], strict=True)
    ordered = sorted(shown, key=lambda pair: math.inf if pair[0].gap is None else pair[0].gap)
    return tuple(_bar(one, name, strip.eps) for one, name in ordered)


def live_bars(rows: Sequence[Mapping[str, Any]], eps: float | None = None) -> tuple[Bar, ...]:
    """The bars of a strip under way, in the order of the images, so that none jumps.

    Args:
        rows: as a live step's JSON has them.
        eps: the budget; the largest norm seen by default.
    """
    seen = [float(row[end]) for row in rows for end in ("lower", "hollow", "upper") if row[end]]
    reach = eps or max(seen, default=1.0)
    return tuple(_live(row, reach) for row in rows)


def state_of(one: Sandwich) -> State:
    """Which of the cases a sandwich is."""
    if one.misclassified:
        return "misclassified"
    if not one.consistent:
        return "crossing"
    if one.upper is not None:
        return "closed"
    if one.attack is None:
        return "unasked"
    return "open" if one.hollow is None else "unconfirmed"


def state_words(one: Sandwich) -> str:
    """The case for a table; where nothing is certified there is one end at most."""
    state = state_of(one)
    if state != "closed" or one.certificate.predicted is not None:
        return STATES[state]
    # Nothing is certified of the image, yet PREDICT was sure of another class than its own.
    return "misclassified as it is, confirmed" if one.upper == 0 else "upper end alone"


def upper_words(upper: float | None, hollow: float | None, eps: float | None) -> str:
    """The upper end in words; that none was found is never called safe."""
    if upper is not None:
        return f"smallest confirmed attack {upper_text(upper)}"
    budget = "" if eps is None else f" up to {eps:g}"
    if hollow is not None:
        return f"attack at {upper_text(hollow)} unconfirmed by fresh noise: no upper end{budget}"
    return f"no attack found{budget}: that is no proof"


def where_text(bars: Sequence[Bar]) -> str:
    """Where the true radius is, as far as the ends that there are tell."""
    states = {bar.state for bar in bars}
    if states == {"misclassified"}:
        return "misclassified: nothing lies between"
    if "closed" in states:
        return "the truth lies between the ends that are known"
    if "crossing" in states:
        return "ends that cross contradict each other"
    if "misclassified" in states:
        return "misclassified images end at 0; of the others no upper end was confirmed"
    return "no upper end was confirmed: the truth is not below the lower end"


def _bar(one: Sandwich, name: str, eps: float) -> Bar:
    certificate, state = one.certificate, state_of(one)
    abstains = certificate.predicted is None
    lower = "nothing certified (abstains)" if abstains else f"certified {radius_text(one.lower)}"
    lines = [f"<b>{plain(name)}</b>", f"{lower}, σ {certificate.sigma:g}"]
    if state in ("crossing", "misclassified", "unasked"):
        lines.append(wrap(STATES[state], 46))
    if state not in ("misclassified", "unasked"):
        lines.append(wrap(upper_words(one.upper, one.hollow, eps), 46))
    if one.stored_upper and one.stored_upper != one.upper:
        lines.append(f"its 8-bit copy, confirmed: {upper_text(one.stored_upper)}")
    return Bar(
        name=name,
        state=state,
        lower=one.lower,
        upper=one.upper,
        hollow=one.hollow,
        reach=max(eps, one.lower) if one.upper is None else one.upper,
        abstains=abstains,
        settled=True,
        hover="<br>".join(lines),
        pipeline=_pipeline(one, name, eps),
    )


def _pipeline(one: Sandwich, name: str, eps: float) -> Pipeline | None:
    if one.pipeline is None:
        return None
    upper = confirmed_norm(one.pipeline)
    said = f"smallest confirmed attack {upper_text(upper)}" if upper is not None else (
        f"no confirmed attack up to {eps:g}: that is no proof"
    )  # fmt: skip
    hover = f"<b>{plain(name)}</b>, pipeline re-picks σ<br>{said}<br>nothing is certified of it"
    return Pipeline(upper, eps if upper is None else upper, hover)


def _live(row: Mapping[str, Any], eps: float) -> Bar:
    lower, upper, hollow = float(row["lower"]), row["upper"], row["hollow"]
    state: State = "running"
    if upper is not None and upper < lower:
        state = "crossing"
    elif upper is not None:
        state = "closed"
    elif row["done"]:
        state = "open" if hollow is None else "unconfirmed"
    so_far = "" if row["lower_final"] else " so far, valid at any time"
    lines = [f"<b>{plain(str(row['name']))}</b>", f"certified {radius_text(lower)}{so_far}"]
    if state == "crossing":
        lines.append(wrap(VERDICT, 46))
    if upper is not None or row["done"]:
        lines.append(wrap(upper_words(upper, hollow, None), 46))
    elif hollow is not None:
        lines.append(f"attack at {upper_text(hollow)}, not confirmed yet")
    reach = float(upper) if upper is not None else max(eps, lower)
    return Bar(
        str(row["name"]), state, lower, upper, hollow, reach, False, bool(row["lower_final"]),
        "<br>".join(lines), None,
    )  # fmt: skip
