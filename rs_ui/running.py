"""One run on a page: started, watched, paused, cancelled, found again."""

import time
from collections.abc import Callable
from typing import Any

import streamlit as st

from rs_ui import answers, caching, refusals, session
from rs_ui.jobs import WorkerError
from rs_ui.panels import error_box, plain
from rs_ui.status import Status, learn_pace

_TICK = 1.0
_PATIENCE = 0.4
_PAUSE = 0.04


def begin(kind: str, page: str, subject: session.Subject, config: dict[str, Any]) -> str | None:
    """The run of these settings, started unless it exists; None with the reason put aside."""
    sentence = session.remembered("unkept")
    if sentence is None:
        try:
            reply = answers.start(
                kind=kind, image=subject.image, model=subject.model, seed=subject.seed,
                config={**config, "alpha": subject.alpha}, device=subject.device, precision="auto",
            )  # fmt: skip
        except WorkerError as error:
            sentence = str(error)
    if sentence is not None:
        refusals.keep(page, sentence)
        return None
    refusals.keep(page, None)
    session.keep_asked(reply["job"], subject)
    return str(reply["job"])


def begin_once(
    kind: str, page: str, subject: session.Subject, config: dict[str, Any]
) -> str | None:
    """The run of these settings; asks the worker only when they change, and keeps the last run
    where it refuses."""
    settings = (subject.image, subject.model, subject.seed, subject.alpha, subject.device, config)
    found: str | None
    asked, found = session.remembered(f"{page}_begun", (None, None))
    if asked != settings and session.remembered("unkept") is None:
        found = begin(kind, page, subject, config) or found
        # Together and last: a rerun may stop this one wherever it writes to the session.
        session.remember(f"{page}_begun", (settings, found))
    return found


def questions_note(status: Status) -> None:
    """Says so when several questions were asked of this image: the best answer promises less."""
    if status.questions > 1 or status.at_least:
        st.caption(
            f":material/casino: {status.count_text} questions were asked about this image with "
            "this network (other seeds, noise levels, numbers of copies, attacks; a sandwich asks "
            "one for each end, and cancelled ones count). Each answer holds by itself; "
            f"{status.best_text}."
        )


def follow(job: str, *, patience: float = 0.0) -> Status:
    """How far a run is; waits up to `patience` seconds for its first step or its end.

    Raises:
        WorkerError: this owner has no such run, or the worker cannot be reached.
    """
    deadline = time.monotonic() + patience
    while True:
        reply = caching.worker().call("follow", owner=session.owner(), job=job)
        status = Status(**{name: reply[name] for name in Status.__dataclass_fields__})
        arrived = status.step is not None or not status.is_live
        if arrived or time.monotonic() >= deadline:
            if status.state == "finished":
                learn_pace(status)
            return status
        time.sleep(_PAUSE)


def watch(job: str, draw: Callable[[Status], None], *, kind: str) -> Status:
    """How far a run is, with its controls; until it ends a fragment draws it every second.

    A paused one too: it may be resumed in another tab.

    Raises:
        WorkerError: this owner has no run of this kind under that id.
    """
    first = follow(job, patience=_PATIENCE)
    if first.about["kind"] != kind:
        wanted = "training" if kind == "train" else kind
        raise WorkerError(f"run not found: the address names a run of another page, no {wanted}.")
    if first.state == "finished":
        return first
    fresh = [first]

    def panel() -> None:
        try:
            status = fresh.pop() if fresh else follow(job)
        except WorkerError as error:  # it starts again by itself: keep asking
            error_box(str(error))
            return
        turned = status.is_live != first.is_live or status.has_ended
        if turned and status is not first:
            st.rerun()
        _controls(job, status)
        draw(status)

    st.fragment(panel, run_every=None if first.has_ended else _TICK)()
    return first


def _controls(job: str, status: Status) -> None:
    if status.has_ended:
        return
    st.progress(status.share, text=_headline(status))
    with st.container(horizontal=True):
        if status.is_live:
            _button("Pause", "pause", job, ":material/pause:")
        else:
            _button("Resume", "resume", job, ":material/play_arrow:")
        _button("Cancel", "cancel", job, ":material/stop:")


def _headline(status: Status) -> str:
    words = {"queued": "Waiting for its turn", "paused": "Paused"}.get(status.state, "Running")
    return f"{words}: {status.progress_text}"


def _button(label: str, verb: str, job: str, icon: str) -> None:
    st.button(label, key=f"{verb}_{job}", icon=icon, on_click=tell, args=(verb, job))


def tell(verb: str, job: str) -> None:
    """Ask the worker to pause, resume or cancel a run; a refusal is shown for a moment."""
    try:
        caching.worker().call(verb, owner=session.owner(), job=job)
    except WorkerError as error:
        st.toast(plain(str(error)))
