"""This browser's runs of one kind, open and ended: none is lost with its tab."""

import time
from typing import Any

import streamlit as st

from rs_ui.panels import plain
from rs_ui.runs import session
from rs_ui.runs.run import call

_SHOWN = 20
_WORDS = {
    "queued": "waits for its turn", "running": "under way", "paused": "paused",
    "finished": "finished", "failed": "failed", "cancelled": "cancelled, can go on",
}  # fmt: skip


def found_again(kind: str, noun: str) -> None:
    """A button for each run, the newest first; nothing where there is none.

    Args:
        kind: of the runs, and the page's name in the session.
        noun: what the page calls several of them.

    Raises:
        WorkerError: the worker cannot be reached.
    """
    mine = [run for run in call("runs")["runs"] if run["kind"] == kind]
    if not mine:
        return
    going = sum(run["state"] in ("queued", "running", "paused") for run in mine)
    words = f"Your {noun}: {len(mine)}" + (f", {going} of them open" if going else "")
    shown = session.run_id(kind)
    with st.expander(words, expanded=shown is None, icon=":material/history:"):
        for run in mine[:_SHOWN]:
            _line(kind, run, is_shown=run["job"] == shown)
        if len(mine) > _SHOWN:
            st.caption(f"and {len(mine) - _SHOWN} older ones")


def _line(kind: str, run: dict[str, Any], *, is_shown: bool) -> None:
    begun = time.strftime("%Y-%m-%d %H:%M", time.localtime(run["created"]))
    st.button(
        f"{plain(run['title'])} · {begun} · {_WORDS.get(run['state'], run['state'])}",
        key=f"open_{run['job']}",
        type="tertiary",
        disabled=is_shown,
        on_click=session.keep_run,
        args=(kind, run["job"]),
    )
