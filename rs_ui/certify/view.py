"""One certificate on a page: the card, and what the noisy copies looked like and said."""

from typing import Any

import streamlit as st

from rs_core.plots import noisy_copies_figure, votes_figure
from rs_core.results import Certificate, RadiusCurve, from_json
from rs_ui import teaching
from rs_ui.inputs.subject import noisy_copies
from rs_ui.panels import certificate_card, chart, error_box
from rs_ui.runs import cache, run
from rs_ui.runs.looks import as_seen
from rs_ui.runs.session import Subject, owner
from rs_ui.runs.status import Status, duration

_SHOWN = (0.05, 0.12, 0.25, 0.5, 0.75, 1.0, 1.5)


def waiting(status: Status) -> None:
    """What stands in for the card while the copies vote."""
    if status.is_live:
        st.skeleton(height=170)


def verdict(status: Status, subject: Subject) -> None:
    """The finished certificate's card, or why there is none."""
    if status.state == "finished":
        certificate = from_json(Certificate, status.result)
        shown = as_seen(certificate, status)
        certificate_card(shown, subject.label, subject.class_names)
        st.caption(f"{certificate.n:,} noisy copies voted in {duration(status.seconds)}.")
        if shown is certificate:
            run.questions_note(status)
        teaching.say(teaching.lesson(certificate))
    elif status.state == "cancelled":
        st.info("Cancelled: nothing was certified. Choose another noise level to go on.")
    elif status.error:
        error_box(status.error)


def evidence(job: str, status: Status, subject: Subject) -> None:
    """Clean and noisy copies, and the votes."""
    whose, of = owner(), f"{subject.image} {subject.model} {subject.seed}"

    def copies() -> Any:
        return noisy_copies_figure(subject.pixels, _SHOWN, noisy_copies(subject, _SHOWN, whose))

    def votes() -> Any:
        certificate = from_json(Certificate, status.result)
        only = RadiusCurve((certificate,), certificate.alpha, simultaneous=False)
        return votes_figure(only, subject.class_names)

    left, right = st.columns([3, 2])
    with left:
        chart(cache.drawn(whose, of, "strip", copies), "copies")
    with right:
        chart(cache.drawn(whose, job, "votes", votes), "votes")
