"""Studies of many images under attack: which images, which study, its settings, and what came out.

`show` draws all of it; a page calls it in a place of its own.
"""

import streamlit as st

from rs_ui import refusals, session
from rs_ui.answers import started
from rs_ui.changed import Wanted
from rs_ui.image_sets import choose_images
from rs_ui.jobs import WorkerError
from rs_ui.panels import error_box
from rs_ui.session import Subject
from rs_ui.studied import KINDS, watch_study
from rs_ui.study_form import study_settings

_PAGE = "study"
_ADDRESS = "study"  # of its run: `run` belongs to the page around it
_ABOUT = {
    "study_noise": (
        "How many images a vote of M noisy copies names correctly, against the noise it votes "
        "under: as they are, under PGD on the network, and under EPGD on the smoothed network."
    ),
    "study_strength": (
        "How many images the plain and the smoothed network name correctly, against the radius of "
        "the attack."
    ),
    "study_frontier": (
        "Accuracy without attack against accuracy under attack, for fixed noise levels and for "
        "selectors. The weaker attack knows the network alone, the stronger one also the noise and "
        "whoever picks it."
    ),
}


def show(subject: Subject) -> None:
    """Controls, the run under way or finished, and its files."""
    kind, wanted = _controls(subject)
    job = st.query_params.get(_ADDRESS) or session.remembered("study_run")
    if not job:
        st.info(
            "No study yet: press Start. The curves grow point by point, and you may pause or "
            "cancel at any time. A study certifies nothing.",
            icon=":material/query_stats:",
        )
        return
    try:
        watch_study(str(job), kind, wanted)
        _keep(str(job))
    except WorkerError as error:
        _keep(None)
        error_box(str(error))


def _controls(subject: Subject) -> tuple[str, Wanted | None]:
    """The chosen kind of study, and what Start would start, if anything."""
    with st.container(border=True):
        kind: str = st.segmented_control(
            "Which study",
            list(KINDS),
            default="study_noise",
            required=True,
            key=f"{_PAGE}_kind",
            bind="query-params",
            persist_state="session",
            format_func=lambda name: KINDS[name].title if name in KINDS else name,
        )
        st.caption(_ABOUT[kind])
        images = choose_images(subject, _PAGE)
        config = study_settings(kind, subject)
        wanted = None
        if images is not None and config is not None:
            wanted = Wanted(subject, images.ids, config)
        st.button(
            "Start the study",
            key="start_study",
            type="primary",
            icon=":material/play_arrow:",
            disabled=wanted is None,
            on_click=session.remember,
            args=("study_pressed", True),
        )
        with session.pressed("study_pressed") as pressed:
            if pressed and wanted is not None:
                _start(kind, wanted)
        refusals.show(_PAGE, kind, images, config, *subject.settings)
    return kind, wanted


def _start(kind: str, wanted: Wanted) -> None:
    job = started(kind, _PAGE, wanted.subject, wanted.images, wanted.config)
    if job is not None:
        _keep(job)


def _keep(job: str | None) -> None:
    """Let this place show a run; its id stands in the address."""
    session.remember("study_run", job)
    if job is None:
        st.query_params.pop(_ADDRESS, None)
    elif st.query_params.get(_ADDRESS) != job:
        st.query_params[_ADDRESS] = job
