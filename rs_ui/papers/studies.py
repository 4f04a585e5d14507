"""Tables that were repeated beforehand and come along: their list, and one of them."""

import streamlit as st

from rs_core.errors import UnknownNameError
from rs_core.logs.studies import shipped_studies
from rs_core.plots.report import Table
from rs_core.results.paper import RepeatedTable
from rs_ui.panels import error_box, table_of
from rs_ui.papers.table import OUTCOMES, show_table

_NAME = "study"  # in the address


def show_studies() -> None:
    """The list of all, and the chosen one below it."""
    studies = shipped_studies()
    if not studies:
        st.info(
            "No study came along with this installation: repeat a table yourself.",
            icon=":material/menu_book:",
        )
        return
    named = st.query_params.get(_NAME)
    table_of(list_of(studies))
    if named is not None and named not in studies:
        error_box(str(UnknownNameError("study", named[:60], studies)))
    name = st.selectbox(
        "Show a study",
        list(studies),
        key=_NAME,
        bind="query-params",
        persist_state="session",
    )
    if name in studies:
        show_table(studies[name], name)


def list_of(studies: dict[str, RepeatedTable]) -> Table:
    """A row a study: whose it is, what was measured, and how many of its claims came out how."""
    rows = []
    for name, table in studies.items():
        outcomes = [verdict.outcome for verdict in table.verdicts]
        counts = [str(outcomes.count(one)) for one in OUTCOMES]
        copies = sorted({row.n for row in table.rows})
        rows.append(
            (name, table.paper, table.title, f"{len(table.indices)} of {table.dataset}",
             ", ".join(f"{n:,}" for n in copies), str(len(table.rows)), *counts)
        )  # fmt: skip
    header = ("study", "paper", "what was measured", "images", "n", "rows", *OUTCOMES)
    return Table("Studies that come along", header, rows)
