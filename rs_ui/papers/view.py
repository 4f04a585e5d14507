"""A table that is repeated here: watched row by row, gone on with, and looked at in the end."""

import streamlit as st

from rs_core.results import from_json
from rs_core.results.paper import RepeatedTable
from rs_ui.panels import error_box, plain
from rs_ui.papers.form import PAGE
from rs_ui.papers.table import show_part, show_table
from rs_ui.runs import run, session
from rs_ui.runs.status import Status


def show(job: str) -> None:
    """The run: live, finished, or why it ended.

    Raises:
        WorkerError: this browser has no such run, or the worker cannot be reached.
    """
    status = run.watch(job, lambda live: _draw(job, live), kind=PAGE)
    session.keep_run(PAGE, job)
    if status.state == "finished":
        finished(job, status)


def finished(job: str, status: Status) -> None:
    """The finished table, as one that comes along is shown."""
    show_table(from_json(RepeatedTable, status.result), job)


def _draw(job: str, status: Status) -> None:
    st.caption(plain(str(status.about["title"])) + f" · seed {status.about['seed']}")
    step = status.step or {}
    partial = from_json(RepeatedTable, step["partial"]) if step.get("partial") else None
    if status.has_ended:
        _ended(job, status)
    elif "rows" in step:
        under_way = min(step["rows_done"] + 1, step["rows"])
        st.caption(f"Row {under_way} of {step['rows']}: {plain(step['phase'])}")
    if partial is not None:
        show_part(partial)
    elif not status.has_ended:
        st.skeleton(height=240)


def _ended(job: str, status: Status) -> None:
    """Why it ended, and the button that goes on from what is kept."""
    failed = status.state == "failed"
    if failed:
        error_box(status.error or "The run failed: rs.log holds the details.")
    else:
        st.info(f"Cancelled after {status.progress_text}. Every finished image is kept.")
    st.button(
        "Try again from what is kept" if failed else "Resume",
        key=f"reopen_{job}",
        icon=":material/play_arrow:",
        help="Goes on as the same run, to the same table.",
        on_click=run.tell,
        args=("resume", job),
    )
