"""A training on its page: watched while it learns, gone on with where it was stopped."""

from typing import Any

import streamlit as st

from rs_core.results import from_json
from rs_core.results.training import Course
from rs_ui import caching, running, session
from rs_ui.panels import error_box, plain
from rs_ui.status import Status, duration
from rs_ui.trained import finished
from rs_ui.training_charts import curves
from rs_ui.training_start import PAGE, pace_name


def show(job: str) -> None:
    """The training: live, finished, or why it ended.

    Raises:
        WorkerError: this browser has no such training, or the worker cannot be reached.
    """
    status = running.watch(job, lambda live: _draw(job, live), kind=PAGE)
    session.keep_run(PAGE, job)
    if status.state == "finished":
        finished(job, status)


def _draw(job: str, status: Status) -> None:
    st.caption(plain(str(status.about["title"])) + f" · seed {status.about['seed']}")
    step = status.step or {}
    course = from_json(Course, step["course"]) if "course" in step else None
    names = _class_names(status.about["config"]["dataset"])
    if status.has_ended:
        _ended(job, status, kept=course is not None)
        if course is not None and course.epochs:
            curves(job, course, names)
        return
    if course is None:
        st.skeleton(height=320)
        return
    if step["images_per_second"]:
        session.remember(pace_name(status.about["config"]), step["images_per_second"])
    _numbers(course, step)
    curves(job, course, names)


def _ended(job: str, status: Status, *, kept: bool) -> None:
    if status.state == "failed":
        error_box(status.error or "The training failed: rs.log holds the details.")
    elif kept:
        st.info(f"Cancelled after {status.progress_text}. What it had learned is kept.")
        st.code(f"rs export {job}", language=None)
        st.caption("writes that network as a model file.")
    else:
        st.info("Cancelled before it had learned anything.")
    failed = status.state == "failed"
    if failed and not kept:
        return
    st.button(
        "Try again from the last checkpoint" if failed else "Resume",
        key=f"reopen_{job}",
        icon=":material/play_arrow:",
        help="Goes on as the same training, with the same settings.",
        on_click=running.tell,
        args=("resume", job),
    )


def _numbers(course: Course, step: dict[str, Any]) -> None:
    last = course.epochs[-1] if course.epochs else None
    loss = step["loss"] if step["loss"] is not None else last and last.loss
    left = duration(step["seconds_left"]) if step["images_per_second"] else "-"
    shown = {
        "Loss so far": "-" if loss is None else f"{loss:.3f}",
        "Right without noise": f"{last.clean_accuracy:.1%}" if last else "-",
        "Right under noise": f"{last.noisy_accuracy:.1%}" if last else "-",
        "Learning rate": f"{last.learning_rate:.3g}" if last else "-",
        "Images a second": f"{step['images_per_second']:,.0f}",
        "Left, with no other run": left,
    }
    measured = f" · accuracies are those after epoch {last.epoch}" if last else ""
    st.caption(f"Epoch {step['epoch']} of {course.planned}: {plain(step['phase'])}{measured}")
    with st.container(horizontal=True):
        for label, value in shown.items():
            st.metric(label, value, width="content")


def _class_names(dataset: str) -> tuple[str, ...]:
    sets = {one["name"]: one for one in caching.description()["trainable_sets"]}
    return tuple(sets[dataset]["class_names"]) if dataset in sets else ()
