"""One run on a page: Start with its price or refusal, the run watched, and how it ended."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import streamlit as st

from rs_core.results import from_json
from rs_ui.client.worker import WorkerError
from rs_ui.inputs.image_sets import count_text
from rs_ui.inputs.subject import subject_of
from rs_ui.panels import error_box, plain
from rs_ui.runs import changed, run, session
from rs_ui.runs.changed import RunRequest, can_start
from rs_ui.runs.price import price_of_run
from rs_ui.runs.session import Subject
from rs_ui.runs.status import Status, cost_text

R = TypeVar("R")


@dataclass(frozen=True)
class FinishedRun(Generic[R]):
    """A finished run, and what it found."""

    job: str
    status: Status
    result: R


@contextmanager
def start_button(name: str, label: str, cost: str, *, enabled: bool) -> Iterator[bool]:
    """Start in a row with its cost; whether it was pressed, and may be.

    A number typed just before the click arrives together with it, and a callback holds the
    settings that were drawn before: so it only leaves a note.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            label,
            key=f"start_{name}",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not enabled,
            on_click=session.remember,
            args=(f"{name}_pressed", True),
        )
        if cost:
            st.caption(cost, width="content")
    with session.pressed(f"{name}_pressed") as pressed:
        yield pressed and enabled


@dataclass(frozen=True)
class RunPage(Generic[R]):
    """What differs between pages that start one run and show it.

    Fields:
        name: in the session and in Start's key; also the kind of run, where there is one alone.
        results: what a finished run found, by kind of run.
        noun: what the page calls a run.
        live, finished: draw a run under way, and a finished one.
        icon, promise: of the box that stands here before the first run; what such a run is like.
        press: how that box says what to do; {name} is the sidebar's image.
        one_image: of a run about the sidebar's image, how a note begins that names it, and what
            another run would make; None for runs about several images.
        alone: whether the start names one `image`, as tasks about one do, and no list of them.
        lost: what is said of a cancelled run.
        address: under which name the address holds the run.
        keeps: whether a result is so large that it is fetched once, and kept by the session.
    """

    name: str
    results: Mapping[str, type[R]]
    noun: str
    live: Callable[[Status], None]
    finished: Callable[[FinishedRun[R]], None]
    icon: str
    promise: str
    press: str = "press Start"
    one_image: tuple[str, str] | None = None
    alone: bool = False
    lost: str = "Nothing of it was kept."
    address: str = "run"
    keeps: bool = False

    def start_row(
        self,
        subject: Subject,
        images: Sequence[str] | None,
        config: dict[str, Any] | None,
        *,
        kind: str = "",
        label: str = "",
    ) -> RunRequest | None:
        """Start, what it costs, why it would be or was refused; what it would start, if anything.

        Args:
            subject: the sidebar's.
            images, config: of the run; None while a setting makes no sense.
            kind: of the run, where it is not the page's name.
            label: Start's, where it is not "Start the" and the noun.
        """
        wanted = None
        if images is not None and config is not None:
            wanted = RunRequest(kind or self.name, subject, tuple(images), config)
        price = price_of_run(wanted)
        if wanted is not None:
            wanted = replace(wanted, refusal=price.refusal)
        cost = cost_text(subject, price.passes) if price.passes else ""
        if wanted is not None and cost and self.one_image is None:
            cost = f"{count_text(len(wanted.images))}: at most {cost}"
        label, enabled = label or f"Start the {self.noun}", can_start(wanted)
        with start_button(self.name, label, cost, enabled=enabled) as pressed:
            if pressed and wanted is not None:
                self._start(wanted)
        if price.refusal:
            error_box(price.refusal)
        run.show_refusal(self.name, kind, images, config, *subject.settings)
        return wanted

    def _start(self, wanted: RunRequest) -> None:
        kind, subject = wanted.kind, wanted.subject
        if self.alone:
            job = run.begin(kind, self.name, subject, wanted.config)
        else:
            job = run.started(kind, self.name, subject, wanted.images, wanted.config)
        if job is not None:
            if self.one_image:
                session.keep_asked(job, subject)
            session.keep_run(self.name, job, self.address)

    def show(self, wanted: RunRequest | None) -> None:
        """The run: under way, ended or finished; before the first one, how to start it.

        Args:
            wanted: what the controls ask now; a note above the run says where it is another one.
        """
        job = session.run_id(self.name, self.address)
        if not job:
            self._invite(wanted)
            return
        try:
            done = self._watched(job, wanted)
            if done is not None:
                self.finished(done)
        except WorkerError as error:
            session.keep_run(self.name, None, self.address)
            error_box(str(error))

    def _invite(self, wanted: RunRequest | None) -> None:
        press = ""
        if wanted is not None and can_start(wanted):
            press = f": {self.press.format(name=plain(wanted.subject.name))}"
        st.info(f"No {self.noun} yet{press}. {self.promise}", icon=self.icon)

    def _watched(self, job: str, wanted: RunRequest | None) -> FinishedRun[R] | None:
        """The finished run; None while it is under way or has no result, which is drawn here."""
        note = st.container()
        held: FinishedRun[R] | None = session.remembered(f"done_{self.name}")
        if held is None or held.job != job:
            held = None
        status = held.status if held else self._followed(job)
        session.keep_run(self.name, job, self.address)
        with note:
            self._note(job, status, wanted)
        if held is None and status.state == "finished":
            result = from_json(self.results[status.about["kind"]], status.result)
            held = FinishedRun(job, status, result)
            if self.keeps:
                session.remember(f"done_{self.name}", held)
        return held

    def _followed(self, job: str) -> Status:
        def draw(status: Status) -> None:
            if status.state == "failed":
                error_box(status.error or "The run failed: rs.log holds the details.")
            elif status.state == "cancelled":
                st.info(f"Cancelled after {status.progress_text}. {self.lost}")
            else:
                self.live(status)

        return run.watch(job, draw, kind=self.name, kinds=self.results)

    def _note(self, job: str, status: Status, wanted: RunRequest | None) -> None:
        present = session.subject()
        if self.one_image is None or present is None:
            changed.say(wanted, status.about)
        else:
            asked = subject_of(job, status.about, present)
            changed.say_of_one(self.one_image, (asked, present), wanted, status.about["config"])
