"""A comparison as one certification log: Cohen's columns, ours, and which selector it was."""

import io
from os import PathLike
from typing import TextIO

from rs_core.evaluation.cells import COLUMNS
from rs_core.evaluation.comparison import Comparison
from rs_core.evaluation.logs import row_from_certificate, write_log
from rs_core.evaluation.tables import write_table

COMPARISON_COLUMNS = (*COLUMNS, "selector")


def write_comparison(target: str | PathLike[str] | TextIO, comparison: Comparison) -> None:
    """Writes a row per method and image, method by method, with the selector in the last column.

    An image has as many rows as there are methods: filter by selector and guarantee before
    scoring. `time` is the method's seconds shared equally among its images.

    Raises:
        DataError: the file cannot be written.
    """
    rows: list[list[str]] = []
    for method in comparison.methods:
        share = method.seconds / max(len(method.certificates), 1)
        text = io.StringIO()
        triples = zip(comparison.indices, comparison.labels, method.certificates, strict=True)
        write_log(text, [row_from_certificate(i, label, c, share) for i, label, c in triples])
        lines = text.getvalue().splitlines()[1:]
        rows += [[*line.split("\t"), method.selector] for line in lines]
    write_table(target, COMPARISON_COLUMNS, rows)
