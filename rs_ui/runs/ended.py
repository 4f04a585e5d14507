"""How runs end on their pages: kept once finished, or why there is no result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st

from rs_core.results import from_json
from rs_ui.panels import error_box
from rs_ui.runs import changed, run, session
from rs_ui.runs.changed import RunRequest
from rs_ui.runs.status import Status

R = TypeVar("R")


@dataclass(frozen=True)
class FinishedRun(Generic[R]):
    """A finished run, kept so that looking at it asks for nothing again."""

    job: str
    status: Status
    result: R


def watched(
    job: str,
    draw: Callable[[Status], None],
    *,
    kind: str,
    result: type[R],
    wanted: RunRequest | None,
) -> FinishedRun[R] | None:
    """The finished run of a page of that kind; None while it is under way or has no result.

    Args:
        draw: shows both of the latter.
        wanted: what the controls ask now; a note above the run says where it is another one.

    Raises:
        WorkerError: this browser has no such run, or the worker cannot be reached.
    """
    note = st.container()
    held: FinishedRun[R] | None = session.remembered(f"done_{kind}")
    known = held if held is not None and held.job == job else None
    status = run.watch(job, draw, kind=kind) if known is None else known.status
    session.keep_run(kind, job)
    with note:
        changed.say(wanted, status.about)
    if known is None and status.state == "finished":
        known = FinishedRun(job, status, from_json(result, status.result))
        session.remember(f"done_{kind}", known)
    return known


def without_result(status: Status) -> bool:
    """Whether a run ended without a result; says why."""
    if status.state == "failed":
        error_box(status.error or "The run failed: rs.log holds the details.")
    elif status.state == "cancelled":
        st.info(f"Cancelled after {status.progress_text}. Nothing of it was kept.")
    return status.state in ("failed", "cancelled")
