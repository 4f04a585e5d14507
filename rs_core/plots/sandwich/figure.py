"""The sandwich: certified below, confirmed attack above, and the unknown between them hatched.

The true radius is somewhere between the two ends and is never drawn as a point.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from rs_core.plots.sandwich.bars import (
    STATES,
    Bar,
    live_bars,
    sandwich_bars,
    upper_text,
    where_text,
)
from rs_core.plots.style import GREEN, GREY, ORANGE, PURPLE, VERMILION, frame_layout
from rs_core.plots.text import plain, radius_text, tidy
from rs_core.results.sandwich import SandwichStrip
from rs_core.statistics import ceil_digits

_HEIGHT, _THIN, _BELOW = 0.5, 0.12, 0.36
_LONGEST = 22


def sandwich_figure(strip: SandwichStrip, names: Sequence[str] | None = None) -> go.Figure:
    """One horizontal bar per image: crossings first, then the narrowest gap, open ends last.

    Green is certified, hatched is unknown, an orange diamond is the smallest confirmed attack. A
    hollow diamond was not confirmed; at the budget an open arrow says that none was found, a filled
    one that none was confirmed; red crosses are ends that contradict each other. A thin second row
    belongs to the system that picks sigma again: only an attack, as nothing is certified of it.

    Args:
        strip: at least one sandwich.
        names: one per image in the strip's order; its own by default.

    Raises:
        ParameterError: no sandwiches, or names that do not fit.
    """
    bars = sandwich_bars(strip, names)
    joint = ceil_digits(strip.joint_alpha, 3)
    return _drawn(
        bars,
        subtitle=f"{where_text(bars)}; P(an end of an image is false) ≤ {joint}",
        alt=_alt(bars, f"Both ends hold with probability at least 1 minus {joint} per image."),
        budget=strip.eps,
    )


def live_sandwich_figure(rows: Sequence[Mapping[str, Any]], eps: float | None = None) -> go.Figure:
    """The same of a strip under way, from a live step's rows, in the order of the images.

    A lower end that is not final is valid at every moment and dotted; a hollow diamond is the
    attack's own opinion until fresh noise confirms it.

    Args:
        rows: `sandwiches` of a step's JSON; may be empty.
        eps: the budget, where arrows stand.
    """
    bars = live_bars(rows, eps)
    return _drawn(
        bars,
        subtitle="under way: the green end grows while noise is drawn, the hollow end comes nearer",
        alt=_alt(bars, "Under way."),
        budget=eps,
    )


def _drawn(bars: Sequence[Bar], *, subtitle: str, alt: str, budget: float | None) -> go.Figure:
    traces = _traces(list(enumerate(bars)), budget)
    layout = frame_layout(
        title="Certified radius ≤ true radius ≤ attack",
        subtitle=subtitle,
        alt=alt,
        x="l2 distance from the image (pixels of [0,1])",
        y="",
        # On a narrow screen each trace takes a line of the legend, and the bars keep their room.
        height=160 + 34 * max(len(bars), 2) + 20 * len(traces),
    )
    norms = [end for bar in bars for end in (bar.reach, bar.lower, bar.hollow or 0.0)]
    norms += [bar.pipeline.reach for bar in bars if bar.pipeline]
    far = max(norms, default=1.0) or 1.0
    layout["xaxis"] |= {"range": [-0.03 * far, 1.06 * far], "zeroline": True}
    layout["yaxis"] |= {
        "tickvals": list(range(len(bars))),
        "ticktext": [_short(bar.name) for bar in bars],
        "range": [len(bars) - 0.4, -0.6],
        "showgrid": False,
        "zeroline": False,
    }
    layout["barmode"] = "overlay"
    layout["showlegend"] = True  # a lone mark would have none
    return go.Figure(data=traces, layout=layout)


def _traces(places: list[tuple[int, Bar]], budget: float | None) -> list[Any]:
    crossing = [(y, bar) for y, bar in places if bar.state == "crossing"]
    plain_ones = [(y, bar) for y, bar in places if bar.state not in ("crossing", "misclassified")]
    certain = [p for p in plain_ones if p[1].lower > 0 and p[1].settled]
    moving = [p for p in plain_ones if p[1].lower > 0 and not p[1].settled]
    traces = [
        _bars(certain, "certified", GREEN, "", [(0.0, bar.lower) for _, bar in certain]),
        _bars(moving, "certified so far", GREEN, ".", [(0.0, bar.lower) for _, bar in moving]),
        _bars(plain_ones, "unknown", GREY, "/", [(bar.lower, bar.reach) for _, bar in plain_ones]),
        _bars(
            crossing, STATES["crossing"], VERMILION, "x",
            [(0.0, max(bar.lower, bar.upper or 0.0)) for _, bar in crossing],
        ),
        _marks(
            [p for p in plain_ones if p[1].upper is not None], "smallest confirmed attack",
            ORANGE, "diamond", lambda bar: bar.upper,
        ),
        _marks(crossing, "confirmed attack below it", VERMILION, "x", lambda bar: bar.upper),
        _marks(
            [p for p in places if p[1].hollow is not None], "attack, unconfirmed", ORANGE,
            "diamond-open", lambda bar: bar.hollow,
        ),
        _marks(
            [p for p in places if p[1].state == "open"], _limited("none found", budget), GREY,
            "triangle-right-open", lambda bar: bar.reach,
        ),
        _marks(
            [p for p in places if p[1].state == "unconfirmed"], _limited("none confirmed", budget),
            GREY, "triangle-right", lambda bar: bar.reach,
        ),
        _marks(
            [p for p in places if p[1].state == "misclassified"], STATES["misclassified"],
            VERMILION, "x-open", lambda bar: 0.0,
        ),
        _marks(
            [p for p in plain_ones if p[1].abstains], "nothing certified (abstains)", GREY,
            "x-open", lambda bar: 0.0,
        ),
        *_pipelines(places),
    ]  # fmt: skip
    return [trace for trace in traces if trace is not None]


def _limited(words: str, budget: float | None) -> str:
    return words if budget is None else f"{words} up to {budget:g}"


def _bars(
    places: Sequence[tuple[int, Bar]], name: str, colour: str, pattern: str,
    spans: Sequence[tuple[float, float]],
) -> go.Bar | None:  # fmt: skip
    if not places:
        return None
    return go.Bar(
        y=[y for y, _ in places],
        x=[high - low for low, high in spans],
        base=[low for low, _ in spans],
        orientation="h",
        width=_HEIGHT,
        name=name,
        hovertext=[bar.hover for _, bar in places],
        hoverinfo="text",
        marker={
            "color": colour,
            "opacity": 0.55 if pattern == "/" else 1.0,
            "pattern": {"shape": pattern, "fillmode": "replace" if pattern == "/" else "overlay"},
            "line": {"color": colour, "width": 1},
        },
    )


def _marks(
    places: Sequence[tuple[int, Bar]], name: str, colour: str, symbol: str, at: Any,
    shift: float = 0.0,
) -> go.Scatter | None:  # fmt: skip
    if not places:
        return None
    return go.Scatter(
        x=[at(bar) for _, bar in places],
        y=[y + shift for y, _ in places],
        mode="markers",
        name=name,
        hovertext=[
            bar.pipeline.hover if shift and bar.pipeline else bar.hover for _, bar in places
        ],
        hoverinfo="text",
        marker={
            "color": colour,
            "symbol": symbol,
            "size": 8 if shift else 12,
            "line": {"width": 2},
        },
        cliponaxis=False,
    )


def _pipelines(places: Sequence[tuple[int, Bar]]) -> list[Any]:
    """The thin second rows: hatched from 0, for nothing is certified, up to the attack."""
    asked = [(y, bar, bar.pipeline) for y, bar in places if bar.pipeline is not None]
    if not asked:
        return []
    rows = go.Bar(
        y=[y + _BELOW for y, *_ in asked],
        x=[pipe.reach for *_, pipe in asked],
        orientation="h",
        width=_THIN,
        name="pipeline re-picks σ: nothing certified",
        hovertext=[pipe.hover for *_, pipe in asked],
        hoverinfo="text",
        marker={
            "color": PURPLE,
            "pattern": {"shape": "\\", "fillmode": "replace"},
            "line": {"color": PURPLE, "width": 1},
        },
    )
    found = [(y, bar) for y, bar, pipe in asked if pipe.upper is not None]
    none = [(y, bar) for y, bar, pipe in asked if pipe.upper is None]
    return [
        rows,
        _marks(
            found, "attack on the pipeline", PURPLE, "square",
            lambda bar: bar.pipeline.upper, _BELOW,
        ),
        _marks(
            none, "none found on the pipeline", PURPLE, "triangle-right-open",
            lambda bar: bar.pipeline.reach, _BELOW,
        ),
    ]  # fmt: skip


def _short(name: str) -> str:
    text = tidy(name)
    return plain(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def _alt(bars: Sequence[Bar], last: str) -> str:
    """The strip in words: how many of each case, and the first bar's ends."""
    counts = {state: sum(bar.state == state for bar in bars) for state in STATES}
    said = "; ".join(f"{count} {STATES[state]}" for state, count in counts.items() if count)
    parts = [
        f"Sandwiches of {len(bars)} image{'' if len(bars) == 1 else 's'}: {said or 'none yet'}."
    ]
    shut = [bar for bar in bars if bar.state == "closed" and bar.upper is not None]
    if shut:
        first = min(shut, key=lambda bar: (bar.upper or 0.0) - bar.lower)
        parts.append(
            f"Narrowest: {tidy(first.name)}, certified {radius_text(first.lower)}, attack "
            f"{upper_text(first.upper or 0.0)}."
        )
    return " ".join([*parts, last])
