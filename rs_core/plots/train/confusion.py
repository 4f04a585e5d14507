"""Which class is taken for which: a confusion matrix with its numbers written in."""

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go

from rs_core.errors import ParameterError
from rs_core.plots.style import frame_layout
from rs_core.plots.text import plain, tidy
from rs_core.results.training import Confusion

_LONGEST = 12
_MOST_NUMBERS = 20  # classes; numbers of more would not be read
_SCALE = [[0.0, "#F2F5F7"], [0.5, "#7FB3D5"], [1.0, "#0072B2"]]  # white to Okabe and Ito's blue


class _Matrix(NamedTuple):
    names: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]
    counts: tuple[tuple[int, ...], ...]
    right: int
    total: int
    worst: tuple[int, int, int]  # true class, answer, how often


def confusion_figure(
    confusion: Confusion, class_names: Sequence[str], measured_on: str
) -> go.Figure:
    """Rows are true classes, columns answers; a cell's colour is its share of the row.

    Raises:
        ParameterError: the matrix does not have a row and a column per class, or is empty.
    """
    matrix = _matrix(confusion, class_names)
    noise = f"under noise σ {confusion.noise:g}" if confusion.noise else "without noise"
    layout = frame_layout(
        title="What is taken for what",
        subtitle=f"{noise}: {matrix.right:,} of {matrix.total:,} right; the darker, the larger the "
        f"share of its class; {tidy(measured_on)}",
        alt=_alt(matrix, noise),
        x="answer",
        y="true class",
        height=520,
    )
    layout["yaxis"] |= {"autorange": "reversed", "type": "category"}
    layout["xaxis"] |= {"type": "category"}
    numbers = len(matrix.names) <= _MOST_NUMBERS
    return go.Figure(
        data=go.Heatmap(
            z=matrix.shares,
            x=matrix.names,
            y=matrix.names,
            text=[[str(c) if c and numbers else "" for c in row] for row in matrix.counts],
            texttemplate="%{text}",
            hovertext=_hover(matrix),
            hoverinfo="text",
            colorscale=_SCALE,
            zmin=0,
            zmax=1,
            xgap=1,
            ygap=1,
            showscale=False,  # a narrow screen needs the room, and the numbers are written in
        ),
        layout=layout,
    )


def _matrix(confusion: Confusion, class_names: Sequence[str]) -> _Matrix:
    counts, size = confusion.counts, len(class_names)
    if len(counts) != size or any(len(row) != size for row in counts):
        raise ParameterError(f"the matrix does not have {size} rows and columns, one per class.")
    total = sum(map(sum, counts))
    if not total:
        raise ParameterError("no image was looked at: there is nothing to draw.")
    wrong = [(counts[i][j], i, j) for i in range(size) for j in range(size) if i != j]
    often, i, j = max(wrong, key=lambda one: one[0])
    return _Matrix(
        names=_names(class_names),
        shares=tuple(tuple(c / max(sum(row), 1) for c in row) for row in counts),
        counts=tuple(counts),
        right=sum(counts[k][k] for k in range(size)),
        total=total,
        worst=(i, j, often),
    )


def _names(class_names: Sequence[str]) -> tuple[str, ...]:
    """One short, different text per class: plotly would lay equal ones on top of each other."""
    names = [tidy(name)[:_LONGEST] for name in class_names]
    return tuple(
        plain(name if names.count(name) == 1 else f"{index}: {name}")
        for index, name in enumerate(names)
    )


def _hover(matrix: _Matrix) -> list[list[str]]:
    return [
        [
            f"{count:,} of {sum(row):,} images of {matrix.names[i]}<br>taken for {matrix.names[j]}"
            for j, count in enumerate(row)
        ]
        for i, row in enumerate(matrix.counts)
    ]


def _alt(matrix: _Matrix, noise: str) -> str:
    i, j, often = matrix.worst
    mistake = (
        f"the most frequent mistake is {matrix.names[i]} taken for {matrix.names[j]}, {often} times"
        if often
        else "no mistake"
    )
    return (
        f"Confusion matrix {noise}: {matrix.right:,} of {matrix.total:,} images right; {mistake}."
    )
