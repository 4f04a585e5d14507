"""A transfer matrix as a tab-separated table, one row per entry."""

from os import PathLike
from typing import TextIO

from rs_core.attack_results import TransferMatrix
from rs_core.evaluation.tables import write_table

TRANSFER_COLUMNS = (
    *("source", "attack", "target", "rate", "clean_rate", "images", "alpha"),
    *("abstained", "clean_abstained"),
)


def write_transfer(target: str | PathLike[str] | TextIO, matrix: TransferMatrix) -> None:
    """Writes a row per source, attack and target; rates are shares of the images, in [0,1].

    `rate` counts an abstention as lost; `abstained` is how much of it that is.

    Raises:
        DataError: the file cannot be written.
    """
    rows = [
        [source, attack, name, repr(float(matrix.rates[i, j])), repr(float(matrix.clean[j])),
         str(matrix.images), repr(matrix.alpha), *_abstained(matrix, i, j)]
        for i, (source, attack) in enumerate(zip(matrix.sources, matrix.attacks, strict=True))
        for j, name in enumerate(matrix.targets)
    ]  # fmt: skip
    write_table(target, TRANSFER_COLUMNS, rows)


def _abstained(matrix: TransferMatrix, row: int, column: int) -> tuple[str, str]:
    if matrix.abstained is None or matrix.clean_abstained is None:
        return "", ""
    own, clean = matrix.abstained[row, column], matrix.clean_abstained[column]
    return repr(float(own)), repr(float(clean))
