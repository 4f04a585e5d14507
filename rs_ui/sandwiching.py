"""Sandwiches on their page: images, settings, start, the strip that grows, the finished one."""

import streamlit as st

from rs_core.evaluation.cost import sandwich_passes
from rs_core.plots import live_sandwich_figure
from rs_core.plots.sandwich.facts import short_names
from rs_core.results.sandwich import SandwichStrip
from rs_ui import ended, refusals, session
from rs_ui.answers import started
from rs_ui.changed import Wanted
from rs_ui.curves import chart
from rs_ui.ended import Done, without_result
from rs_ui.image_sets import THIS_IMAGE, choose_images, count_text
from rs_ui.panels import plain
from rs_ui.sandwich_form import settings
from rs_ui.session import Subject
from rs_ui.status import Status, cost_text

PAGE = "sandwich"
MOST_IMAGES = 50


def controls(subject: Subject) -> Wanted | None:
    """Images, sigma, attack, what they cost, and Start; what that would start, if anything."""
    with st.container(border=True):
        images = choose_images(subject, PAGE, first=THIS_IMAGE, most=MOST_IMAGES)
        config = settings(subject, PAGE)
        wanted = None
        if images is not None and config is not None:
            wanted = Wanted(subject, images.ids, {**config, "alpha": subject.alpha})
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Make the sandwich" if images and len(images.ids) == 1 else "Make the sandwiches",
                key="start_sandwich",
                type="primary",
                icon=":material/play_arrow:",
                disabled=wanted is None,
                on_click=session.remember,
                args=("sandwich_pressed", True),
            )
            if wanted is not None:
                st.caption(_cost(wanted), width="content")
        with session.pressed("sandwich_pressed") as pressed:
            if pressed and wanted is not None:
                _start(wanted)
        refusals.show(PAGE, images, config, *subject.settings)
    return wanted


def _cost(wanted: Wanted) -> str:
    count = len(wanted.images)
    passes = cost_text(wanted.subject, sandwich_passes(wanted.config, images=count))
    return f"{count_text(count)}: at most {passes}"


def _start(wanted: Wanted) -> None:
    job = started(PAGE, PAGE, wanted.subject, wanted.images, wanted.config)
    if job is not None:
        session.keep_run(PAGE, job)


def watched(job: str, wanted: Wanted | None) -> Done[SandwichStrip] | None:
    """The finished run; None while it is under way or without a result, which is drawn here.

    A note says where it is not what the controls want.

    Raises:
        WorkerError: this browser has no such run, or the worker cannot be reached.
    """
    return ended.watched(job, _draw, kind=PAGE, result=SandwichStrip, wanted=wanted)


def _draw(status: Status) -> None:
    if without_result(status):
        return
    step = status.step or {}
    count = count_text(len(status.about.get("image_ids", ())))
    words = [plain(str(step["phase"]))] if step.get("phase") else []
    st.caption(" · ".join([*words, count]))
    rows = step.get("sandwiches")
    if not rows:
        st.skeleton(height=240)
        return
    about = status.about
    begun = about["indices"][: len(rows)]
    names = short_names([row["name"] for row in rows], about["dataset"], begun)
    named = [{**row, "name": name} for row, name in zip(rows, names, strict=True)]
    chart(live_sandwich_figure(named, about["config"]["eps"]), "live_sandwich")
    st.caption(
        "So far: a lower end that still moves is valid by itself at every moment; a hollow upper "
        "end is the attack's own opinion and counts only once fresh noise has confirmed it."
    )
