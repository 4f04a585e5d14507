"""This browser's trainings, open and ended: none is lost with its tab."""

import time
from typing import Any

import streamlit as st

from rs_ui.panels import plain
from rs_ui.runs import session
from rs_ui.runs.run import call
from rs_ui.train.form import PAGE

_SHOWN = 20
_WORDS = {
    "queued": "waits for its turn", "running": "under way", "paused": "paused",
    "finished": "finished", "failed": "failed", "cancelled": "cancelled, can go on",
}  # fmt: skip


def found_again() -> None:
    """A button for each training, the newest first; nothing where there is none.

    Raises:
        WorkerError: the worker cannot be reached.
    """
    mine = [run for run in call("runs")["runs"] if run["kind"] == PAGE]
    if not mine:
        return
    going = sum(run["state"] in ("queued", "running", "paused") for run in mine)
    words = f"Your trainings: {len(mine)}" + (f", {going} of them open" if going else "")
    shown = session.run_id(PAGE)
    with st.expander(words, expanded=shown is None, icon=":material/history:"):
        for run in mine[:_SHOWN]:
            _line(run, is_shown=run["job"] == shown)
        if len(mine) > _SHOWN:
            st.caption(f"and {len(mine) - _SHOWN} older ones")


def _line(run: dict[str, Any], *, is_shown: bool) -> None:
    begun = time.strftime("%Y-%m-%d %H:%M", time.localtime(run["created"]))
    st.button(
        f"{plain(run['title'])} · {begun} · {_WORDS.get(run['state'], run['state'])}",
        key=f"open_{run['job']}",
        type="tertiary",
        disabled=is_shown,
        on_click=session.keep_run,
        args=(PAGE, run["job"]),
    )
