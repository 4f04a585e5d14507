"""The log of smoothed predictions, in the columns of Cohen et al. (2019), ours after."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from rs_core.evaluation.tables import clock_text, exact_text, whole_text, write_table
from rs_core.results import Prediction

PREDICTION_COLUMNS = (
    *("idx", "label", "predict", "correct", "time"),
    *("sigma", "alpha", "n", "p_value", "counts", "weights", "precision"),
)


def write_predictions(
    target: str | Path | TextIO,
    rows: Iterable[tuple[int, int | None, Prediction]],
    seconds: float | None = None,
) -> None:
    """Writes (index, true label or None, prediction) rows; -1 stands for an abstention.

    Args:
        target: a path, or an open text file.
        rows: in the order written.
        seconds: spent on each row, if measured.

    Raises:
        DataError: the file cannot be written.
    """
    time = "" if seconds is None else clock_text(seconds)
    write_table(target, PREDICTION_COLUMNS, (_cells(*row, time) for row in rows))


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
