"""A repeated table as a page shows it: verdicts, rows beside the published, curves, origins."""

from collections import Counter
from typing import get_args

import streamlit as st

from rs_core.plots.papers.figure import curve_figures
from rs_core.plots.papers.report import (
    command_text,
    report_notes,
    report_tables,
    row_sentence,
    scores_table,
    verdict_table,
)
from rs_core.plots.report import Table
from rs_core.results.paper import Outcome, RepeatedTable
from rs_ui.panels import chart, plain, table_of
from rs_ui.papers.files import download_table
from rs_ui.runs import cache

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
RULE = (
    "The rule was fixed before any run: a claim **held** where the mean difference, image by "
    "image, exceeds its margin (two standard errors over images, joined with that over seeds), "
    "**did not hold at this size** where it lies below minus that, and else it **cannot be told**, "
    "as on fewer than 30 images."
)


def counted(table: RepeatedTable) -> str:
    """How the claims came out, e.g. "2 held, 1 cannot be told"."""
    found = Counter(verdict.outcome for verdict in table.verdicts)
    return ", ".join(f"{found[one]} {one}" for one in OUTCOMES if found[one]) or "no claim"


def show_table(table: RepeatedTable, key: str) -> None:
    """All of it, with its files.

    Args:
        table: what was repeated.
        key: tells its widgets from those of another.
    """
    st.subheader(plain(f"{table.paper}: {table.title}"))
    st.markdown(f"Its claims: **{counted(table)}**.")
    verdicts, scores, *rest = report_tables(table)
    _titled(verdicts)
    st.caption(RULE)
    _titled(scores)
    for place, figure in enumerate(_figures(table, key)):
        chart(figure, f"curves_{key}_{place}")
    for one in rest:
        _titled(one)
    with st.expander("What may be quoted of each row", icon=":material/format_quote:"):
        for row in table.rows:
            st.write(plain(f"Badge {row.scores[0].badge}. {row_sentence(row, table)}"))
    with st.expander("How this differs from the paper, and how to read it", icon=":material/info:"):
        st.markdown("\n".join(f"- {plain(note)}" for note in report_notes(table)))
    download_table(table, key)
    st.caption("On the command line, this repeats it:")
    st.code(command_text(table), language=None, wrap_lines=True)


def show_part(table: RepeatedTable) -> None:
    """The rows that are finished, and the claims about them: a table that still grows."""
    if table.verdicts:
        _titled(verdict_table(table))
    _titled(scores_table(table))


def _titled(table: Table) -> None:
    st.markdown(f"**{plain(table.caption)}**")
    table_of(table)


def _figures(table: RepeatedTable, key: str) -> list[object]:
    """The curves, drawn once; whose table it is stands in the key."""
    figures: list[object] = cache.drawn("papers", key, "curves", lambda: curve_figures(table))
    return figures
