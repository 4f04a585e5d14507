"""A comparison as one certification log: Cohen's columns, ours, and which selector it was."""

import io
from os import PathLike
from typing import TextIO

from rs_core.logs.certificates import row_from_certificate, write_log
from rs_core.logs.columns import COMPARISON_COLUMNS
from rs_core.logs.origin import Origin
from rs_core.logs.tables import settings_cell, write_table
from rs_core.results.comparison import Comparison


def write_comparison(
    target: str | PathLike[str] | TextIO, comparison: Comparison, origin: Origin | None = None
) -> None:
    """Writes a row per method and image, method by method, with its selector in the last column.

    The selector's settings and the guarantee stand before it. An image has as many rows as there
    are methods: filter by selector and guarantee before scoring. `time` is the method's seconds
    shared equally among its images.

    Raises:
        DataError: the file cannot be written.
    """
    rows: list[list[str]] = []
    for method in comparison.methods:
        share = method.seconds / max(len(method.certificates), 1)
        text = io.StringIO()
        images = zip(
            comparison.indices, comparison.labels, method.certificates, comparison.names,
            strict=True,
        )  # fmt: skip
        made = [
            row_from_certificate(i, label, c, share, name=name, origin=origin)
            for i, label, c, name in images
        ]
        write_log(text, made)
        way = (method.guarantee, settings_cell(method.settings), method.selector)
        rows += [[*line.split("\t"), *way] for line in text.getvalue().split("\n")[1:-1]]
    write_table(target, COMPARISON_COLUMNS, rows)
