"""An attack as pictures: its perturbation made visible, the vote that it shifted, its losses."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import plotly.graph_objects as go

from rs_core.errors import ParameterError
from rs_core.plots.style import BLUE, GREY, ORANGE, frame_layout
from rs_core.plots.text import class_text, plain
from rs_core.results.attack_trial import Ballot

AMPLIFIED = 10
_MOST_CLASSES = 6
_MOST_POINTS = 2000
_ROOMY = 4
_SEEN = 0.001  # a smaller share is no bar that anybody could see


class _Shift(NamedTuple):
    names: tuple[str, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    what: str


class _Losses(NamedTuple):
    steps: tuple[int, ...]
    values: tuple[float | None, ...]


def perturbation_picture(
    pixels: np.ndarray, adversarial: np.ndarray, times: float = AMPLIFIED
) -> np.ndarray:
    """The difference as an image (C, H, W) in [0,1]: mid-grey is no change, `times` as strong.

    A change of more than 1 / (2 times) is as dark or as bright as can be.

    Raises:
        ParameterError: the shapes differ.
    """
    if pixels.shape != adversarial.shape:
        raise ParameterError(f"{pixels.shape} and {adversarial.shape} differ: give one image's.")
    change = adversarial.astype(np.float64) - pixels.astype(np.float64)
    return np.asarray(np.clip(0.5 + times * change, 0, 1), dtype=np.float32)


def vote_shift_figure(
    before: Ballot, after: Ballot, label: int, class_names: Sequence[str] = ()
) -> go.Figure:
    """Share of the votes of each class before and after an attack; of a bare network its softmax.

    The class that had to be left stands first; classes that no picture would show are summed.

    Args:
        before, after: of the image and of what was found, with the same classes.
        label: the class that had to be left.
        class_names: one per class; empty for numbers alone.

    Raises:
        ParameterError: ballots of different classes.
    """
    info = _shift(before, after, label, class_names)
    layout = frame_layout(
        title="What the attack did to the vote",
        subtitle=_sigmas(before, after),
        alt=_alt(info),
        x="",
        y=f"{info.what}, in %",
        height=400,
    )
    layout["yaxis"] |= {"range": [0, 1.12], "tickformat": ".0%", "nticks": 6}
    layout["xaxis"] |= {"type": "category"}
    layout |= {"barmode": "group", "bargap": 0.25, "shapes": [_half()]}
    return go.Figure(
        data=[
            _bars("before", info.names, info.before, BLUE, ""),
            _bars("after the attack", info.names, info.after, ORANGE, "/"),
        ],
        layout=layout,
    )


def loss_figure(
    losses: Sequence[float], *, every: int = 1, live: bool = False, gradient_free: bool = False
) -> go.Figure:
    """What an attack climbed, step by step.

    Args:
        losses: NaN leaves a gap.
        every: attack steps between two of them.
        live: the attack is still under way.
        gradient_free: what is shown is the best margin so far.

    Raises:
        ParameterError: no losses.
    """
    info = _losses(losses, every)
    shown = [value for value in info.values if value is not None]
    said = f"{shown[0]:.3g} at first, {shown[-1]:.3g} at the end" if shown else "no finite number"
    what = "best margin so far" if gradient_free else "loss (the attack climbs it)"
    layout = frame_layout(
        title="What the attack climbed" + (", so far" if live else ""),
        subtitle="restarts and rounds follow one another; a loss that never rises is a warning",
        alt=f"Line chart of {what} over {every * len(losses)} steps: {said}.",
        x="step",
        y=what,
        height=400,
    )
    layout["xaxis"] |= {"rangemode": "tozero", "nticks": 8}
    layout["yaxis"] |= {"nticks": 6, "exponentformat": "power"}
    few = len(info.steps) <= 60
    return go.Figure(
        data=go.Scatter(
            x=info.steps,
            y=info.values,
            name=what,
            mode="lines+markers" if few else "lines",
            line={"color": BLUE, "width": 2},
            marker={"size": 5},
            showlegend=False,
        ),
        layout=layout,
    )


def _shift(before: Ballot, after: Ballot, label: int, names: Sequence[str]) -> _Shift:
    old, new = before.shares, after.shares
    if len(old) != len(new):
        raise ParameterError(
            f"{len(old) - 1} and {len(new) - 1} classes: give two ballots of one network."
        )
    classes = range(len(old) - 1)
    ranked = sorted((k for k in classes if k != label), key=lambda k: -max(old[k], new[k]))
    shown = [label, *(k for k in ranked[: _MOST_CLASSES - 1] if max(old[k], new[k]) >= _SEEN)]
    rest = [k for k in classes if k not in shown]
    rows = [(plain(class_text(k, names)), old[k], new[k]) for k in shown]
    others = sum(old[k] for k in rest), sum(new[k] for k in rest)
    if max(others) >= _SEEN:
        rows.append(("others", *others))
    if old[-1] + new[-1] > 0:
        rows.append(("INVALID", old[-1], new[-1]))
    what = "softmax of the network" if before.sigma is None else "share of the votes"
    words, first, second = zip(*rows, strict=True)
    return _Shift(words, first, second, what)


def _losses(losses: Sequence[float], every: int) -> _Losses:
    if not losses:
        raise ParameterError("there are no losses: nothing was climbed yet.")
    stride = max(math.ceil(len(losses) / _MOST_POINTS), 1)
    kept = list(losses)[::stride]
    steps = tuple(1 + every * stride * k for k in range(len(kept)))
    return _Losses(steps, tuple(v if math.isfinite(v) else None for v in kept))


def _bars(
    name: str, names: Sequence[str], shares: Sequence[float], colour: str, pattern: str
) -> go.Bar:
    # Seven pairs of bars leave no room for more than whole percents; the mouse reads the rest.
    written = "{:.1f}%" if len(names) <= _ROOMY else "{:.0f}"
    return go.Bar(
        x=names,
        y=shares,
        name=name,
        marker={"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay", "size": 6}},
        text=[written.format(100 * share) if share >= _SEEN else "" for share in shares],
        textposition="outside",
        textfont={"size": 10},
        textangle=0,
        constraintext="none",
        cliponaxis=False,
        hovertemplate="%{x}<br>%{y:.2%}<extra>" + name + "</extra>",
    )


def _half() -> dict[str, object]:
    line = {"color": GREY, "dash": "dot", "width": 1}
    return {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0.5, "y1": 0.5, "line": line,
        "layer": "below",
    }  # fmt: skip


def _sigmas(before: Ballot, after: Ballot) -> str:
    if before.sigma is None or after.sigma is None:
        return "the network itself, without noise: its softmax scores"
    count = f"{before.n:,} fresh noisy copies each, which neither attack nor confirmation saw"
    if before.sigma == after.sigma:
        return f"{count}, at σ {before.sigma:.4g}"
    return f"{count}; the selector picked σ {before.sigma:.4g} before, {after.sigma:.4g} after"


def _alt(info: _Shift) -> str:
    said = ", ".join(
        f"{name} {100 * old:.1f}% before and {100 * new:.1f}% after"
        for name, old, new in zip(info.names, info.before, info.after, strict=True)
    )
    return f"Bar chart of the {info.what}: {said}."


def magnified(moved: np.ndarray, image: np.ndarray, times: float = 10.0) -> np.ndarray:
    """The change from `image` to `moved`, `times` as strong, around mid grey.

    Args:
        moved, image: (C, H, W) in [0,1].
        times: how much stronger than it is.

    Returns:
        float32 (C, H, W), cut off at 0 and 1.
    """
    grey = 0.5 + times * (moved.astype(np.float64) - image.astype(np.float64))
    return np.asarray(grey.clip(0, 1), dtype=np.float32)
