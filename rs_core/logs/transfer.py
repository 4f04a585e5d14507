"""A transfer matrix as a tab-separated table, one row per entry."""

from collections.abc import Mapping
from os import PathLike
from typing import TextIO

from rs_core.logs.columns import TRANSFER_COLUMNS
from rs_core.logs.origin import Origin
from rs_core.logs.tables import text_cell, whole_text, write_table
from rs_core.results.attack import TransferMatrix


def write_transfer(
    target: str | PathLike[str] | TextIO,
    matrix: TransferMatrix,
    *,
    weights: Mapping[str, str] | None = None,
    seed: int | None = None,
    origin: Origin | None = None,
) -> None:
    """Writes a row per source, attack and target; rates are shares of the images, in [0,1].

    `rate` counts an abstention as lost; `abstained` is how much of it that is.

    Args:
        target: a path, or an open text file.
        matrix: of the rates.
        weights: the weights' id of each network, by its name, where it is known.
        seed: of attacks and noise.
        origin: data set, command and version; this version alone by default.

    Raises:
        DataError: the file cannot be written.
    """
    origin, ids = origin or Origin(), weights or {}
    words = (origin.dataset, origin.split, origin.version, origin.command)
    last = [whole_text(seed), *map(text_cell, words)]
    rows = [
        [text_cell(source), attack, text_cell(name), repr(float(matrix.rates[i, j])),
         repr(float(matrix.clean[j])), str(matrix.images), repr(matrix.alpha),
         *_abstained(matrix, i, j), ids.get(source, ""), ids.get(name, ""), *last]
        for i, (source, attack) in enumerate(zip(matrix.sources, matrix.attacks, strict=True))
        for j, name in enumerate(matrix.targets)
    ]  # fmt: skip
    write_table(target, TRANSFER_COLUMNS, rows)


def _abstained(matrix: TransferMatrix, row: int, column: int) -> tuple[str, str]:
    if matrix.abstained is None or matrix.clean_abstained is None:
        return "", ""
    own, clean = matrix.abstained[row, column], matrix.clean_abstained[column]
    return repr(float(own)), repr(float(clean))
