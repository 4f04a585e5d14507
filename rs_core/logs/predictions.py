"""The log of smoothed predictions, in the columns of Cohen et al. (2019), ours after."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from rs_core.logs.columns import PREDICTION_COLUMNS
from rs_core.logs.origin import Origin
from rs_core.logs.tables import (
    clock_text,
    exact_text,
    text_cell,
    whole_text,
    write_table,
)
from rs_core.results import Prediction


def write_predictions(
    target: str | Path | TextIO,
    rows: Iterable[tuple[int, int | None, Prediction]],
    seconds: float | None = None,
    *,
    names: Sequence[str] = (),
    origin: Origin | None = None,
) -> None:
    """Writes (index, true label or None, prediction) rows; -1 stands for an abstention.

    Args:
        target: a path, or an open text file.
        rows: in the order written.
        seconds: spent on each row, if measured.
        names: of the images, one per row, if they have any.
        origin: data set, command and version; this version alone by default.

    Raises:
        DataError: the file cannot be written.
    """
    time, origin = "" if seconds is None else clock_text(seconds), origin or Origin()
    rows = list(rows)
    named = zip(rows, names or [""] * len(rows), strict=True)
    cells = ((*_cells(*row, time), *_origin(row[2], name, origin)) for row, name in named)
    write_table(target, PREDICTION_COLUMNS, cells)


def _origin(found: Prediction, name: str, origin: Origin) -> Sequence[str]:
    words = (origin.dataset, origin.split, name, found.image_digest, origin.version, origin.command)
    return found.noise, str(found.seed), found.device, *map(text_cell, words)


def _cells(index: int, label: int | None, found: Prediction, time: str) -> Sequence[str]:
    return (
        str(index),
        whole_text(label),
        "-1" if found.predicted is None else str(found.predicted),
        "" if label is None else str(int(found.predicted == label)),
        time,
        exact_text(found.sigma),
        exact_text(found.alpha),
        str(found.n),
        exact_text(found.p_value),
        ",".join(str(count) for count in found.counts),
        found.weights_id,
        found.precision,
    )
