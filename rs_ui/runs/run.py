"""One run on a page: started, watched, paused, cancelled, found again."""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

import streamlit as st

from rs_ui.client.worker import WorkerError
from rs_ui.inputs import picture
from rs_ui.panels import error_box, plain
from rs_ui.runs import cache, session
from rs_ui.runs.status import Status, learn_pace

_TICK = 1.0
_PATIENCE = 0.4
_PAUSE = 0.04
_NOUNS = {"train": "training", "paper": "repeated table"}  # where it is not the kind


def begin(kind: str, page: str, subject: session.Subject, config: dict[str, Any]) -> str | None:
    """The run of these settings, started unless it exists; None with the reason put aside."""
    sentence = session.remembered("unkept")
    if sentence is None:
        try:
            reply = start(
                kind=kind, image=subject.image, model=subject.model, seed=subject.seed,
                config={**config, "alpha": subject.alpha}, device=subject.device, precision="auto",
            )  # fmt: skip
        except WorkerError as error:
            sentence = str(error)
    if sentence is not None:
        keep_refusal(page, sentence)
        return None
    keep_refusal(page, None)
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
        reply = cache.worker().call("follow", owner=session.owner(), job=job)
        status = Status(**{name: reply[name] for name in Status.__dataclass_fields__})
        arrived = status.step is not None or not status.is_live
        if arrived or time.monotonic() >= deadline:
            if status.state == "finished":
                learn_pace(status)
            return status
        time.sleep(_PAUSE)


def watch(
    job: str, draw: Callable[[Status], None], *, kind: str, kinds: Collection[str] = ()
) -> Status:
    """How far a run is, with its controls; until it ends a fragment draws it every second.

    A paused one too: it may be resumed in another tab.

    Args:
        kinds: which kinds there are of such runs, where there are several.

    Raises:
        WorkerError: this owner has no run of this kind under that id.
    """
    first = follow(job, patience=_PATIENCE)
    if first.about["kind"] not in (kinds or (kind,)):
        wanted = _NOUNS.get(kind, kind)
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
        cache.worker().call(verb, owner=session.owner(), job=job)
    except WorkerError as error:
        st.toast(plain(str(error)))


class Asking(Protocol):
    """With which network, seed and device the sidebar asks."""

    @property
    def model(self) -> str:
        """The worker's name of the network."""

    @property
    def seed(self) -> int:
        """Of all noise."""

    @property
    def device(self) -> str:
        """Where to compute."""


def cached_call(name: str, asked: tuple[Any, ...], ask: Callable[[], Any]) -> Any:
    """The answer, or the worker's refusal as a sentence; asked again only when `asked` changes."""
    key = (session.owner(), *asked)
    held = session.remembered(name)
    if held is None or held[0] != key:
        try:
            held = (key, ask())
        except WorkerError as error:
            held = (key, str(error))
            if error.kind == "StoreError":  # a full disk may have room at the next rerun
                return held[1]
        session.remember(name, held)
    return held[1]


def own_seed() -> int:
    """The seed that was drawn for this browser's noise, at its first visit.

    Raises:
        WorkerError: the worker cannot be reached.
    """
    held = session.remembered("own_seed")
    if held is None:
        held = int(call("seed")["seed"])
        session.remember("own_seed", held)
    return int(held)


def call(verb: str, **fields: Any) -> dict[str, Any]:
    """The worker's answer to this session's owner.

    Raises:
        WorkerError: the request was refused, or the worker cannot be reached.
    """
    return cache.worker().call(verb, owner=session.owner(), **fields)


def start(**fields: Any) -> dict[str, Any]:
    """The worker's answer to a start about one image; one that is not kept is handed in again.

    Raises:
        WorkerError: it was refused.
    """
    try:
        return call("start", **fields)
    except WorkerError as error:
        if error.kind != "NotFoundError":
            raise
        sentence = picture.keep_again(fields["image"])
        if sentence is not None:
            raise WorkerError(f"the image is not kept any more: {sentence}") from None
    return call("start", **fields)


def started(
    kind: str,
    page: str,
    subject: Asking,
    images: Sequence[str],
    config: dict[str, Any],
) -> str | None:
    """The run of a question about several images; None with the reason put aside for the page."""
    try:
        reply = call(
            "start", kind=kind, images=list(images), model=subject.model, config=config,
            seed=subject.seed, device=subject.device, precision="auto",
        )  # fmt: skip
    except WorkerError as error:
        if error.kind == "NotFoundError":  # whatever is not kept any more is handed in again
            session.forget("decoded")
        keep_refusal(page, str(error))
        return None
    keep_refusal(page, None)
    return str(reply["job"])


def keep_refusal(page: str, sentence: str | None) -> None:
    """Put aside why a page's last start was refused; None where it was not."""
    session.remember(f"{page}_error", sentence)
    session.remember(f"{page}_refused", None)


def show_refusal(page: str, *asked: object) -> None:
    """Why the last start was refused, if it was.

    Args:
        page: whose start.
        asked: what it would start now; once this is not what was refused, the reason is forgotten.
    """
    sentence = session.remembered(f"{page}_error")
    if not sentence:
        return
    refused = session.remembered(f"{page}_refused")
    if refused is None:
        session.remember(f"{page}_refused", asked)
    elif refused != asked:
        keep_refusal(page, None)
        return
    error_box(sentence)
