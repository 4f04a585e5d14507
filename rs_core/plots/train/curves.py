"""Loss and accuracies of a training, epoch by epoch."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from rs_core.errors import ParameterError
from rs_core.plots.style import frame_layout, series_style
from rs_core.results.training import Course, Epoch

EPOCH_AXIS = "epoch"
MOST_TICKS = 8
_SHARES = (
    ("clean_accuracy", "without noise"),
    ("noisy_accuracy", "under noise"),
    ("train_accuracy", "training images, under noise"),
)


class _Line(NamedTuple):
    name: str
    x: tuple[int, ...]
    y: tuple[float, ...]
    hover: tuple[str, ...]


def training_loss_figure(course: Course) -> go.Figure:
    """Mean training loss of each epoch.

    Raises:
        ParameterError: no epoch is done yet.
    """
    line, last = _loss(course), _last(course)
    return go.Figure(
        data=[_scatter(0, line)],
        layout=_layout(
            course,
            title="Training loss",
            subtitle=f"after epoch {last.epoch} of {course.planned}: {last.loss:.4g}; learning "
            f"rate {last.learning_rate:.3g}",
            alt=f"Training loss up to epoch {last.epoch}: first {line.y[0]:.4g}, last "
            f"{line.y[-1]:.4g}.",
            y="mean loss",
        ),
    )


def accuracy_figure(course: Course) -> go.Figure:
    """Accuracies of each epoch: without noise, under noise, and of the training images.

    Raises:
        ParameterError: no epoch is done yet.
    """
    lines, last = _accuracies(course), _last(course)
    layout = _layout(
        course,
        title="Accuracy",
        subtitle="of single looks at images; says nothing about radii",
        alt=f"Accuracy after epoch {last.epoch}: {last.clean_accuracy:.1%} without noise, "
        f"{last.noisy_accuracy:.1%} under noise, {last.train_accuracy:.1%} of noisy training "
        "images.",
        y="share that is right",
    )
    layout["yaxis"] |= {"range": [-0.03, 1.05], "tickformat": ".0%", "nticks": 6}
    return go.Figure(data=[_scatter(k, line) for k, line in enumerate(lines)], layout=layout)


def epoch_axis(course: Course) -> dict[str, Any]:
    """An axis of epochs into which a live curve grows; whole ticks.

    Of many planned epochs it shows 8, and four times as many whenever those are full: a curve
    takes a quarter of the width at least.

    Left to itself plotly ticks halves of few epochs and rounds them to the same number twice.
    """
    end = MOST_TICKS
    while end < len(course.epochs):
        end *= 4
    end = min(end, course.planned)
    ticks = {"dtick": 1, "tick0": 1} if end <= MOST_TICKS else {"nticks": MOST_TICKS}
    return {"range": [0.5, max(end, 2) + 0.5], "tickformat": "d", **ticks}


def _last(course: Course) -> Epoch:
    if not course.epochs:
        raise ParameterError("no epoch is done yet: wait for the first.")
    return course.epochs[-1]


def _loss(course: Course) -> _Line:
    _last(course)
    return _line(
        "mean loss of the epoch",
        course.epochs,
        [epoch.loss for epoch in course.epochs],
        [f"loss {e.loss:.4g}<br>learning rate {e.learning_rate:.3g}" for e in course.epochs],
    )


def _accuracies(course: Course) -> tuple[_Line, ...]:
    _last(course)
    lines = []
    for field, name in _SHARES:
        shares = [getattr(epoch, field) for epoch in course.epochs]
        lines.append(_line(name, course.epochs, shares, [f"{s:.1%} {name}" for s in shares]))
    return tuple(lines)


def _line(
    name: str, epochs: Sequence[Epoch], values: Sequence[float], said: Sequence[str]
) -> _Line:
    hover = tuple(f"epoch {e.epoch}<br>{text}" for e, text in zip(epochs, said, strict=True))
    return _Line(name, tuple(e.epoch for e in epochs), tuple(values), hover)


def _scatter(index: int, line: _Line) -> go.Scatter:
    style = series_style(index)
    return go.Scatter(
        x=line.x,
        y=line.y,
        name=line.name,
        hovertext=line.hover,
        hoverinfo="text",
        mode="lines+markers",
        line={"color": style.colour, "dash": style.dash, "width": 2},
        marker={"color": style.colour, "symbol": style.marker, "size": 7},
        showlegend=True,
    )


def _layout(course: Course, *, title: str, subtitle: str, alt: str, y: str) -> dict[str, Any]:
    layout = frame_layout(title=title, subtitle=subtitle, alt=alt, x=EPOCH_AXIS, y=y, height=360)
    layout["xaxis"] |= epoch_axis(course)
    return layout
