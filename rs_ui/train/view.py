"""A training on its page: watched while it learns, gone on with where it was stopped."""

from typing import Any

import streamlit as st

from rs_core.plots.text import chance_text, tidy
from rs_core.plots.train.confusion import confusion_figure
from rs_core.plots.train.curves import accuracy_figure, training_loss_figure
from rs_core.plots.train.probes import probe_radii_figure
from rs_core.results import from_json
from rs_core.results.picker import is_picker, picker_classes
from rs_core.results.training import Course, TrainingOutcome
from rs_ui.inputs.models import offered_models
from rs_ui.panels import chart, error_box, plain
from rs_ui.runs import cache, run, session
from rs_ui.runs.status import Status, duration
from rs_ui.train.files import download_training
from rs_ui.train.form import PAGE, pace_name
from rs_ui.train.sigmas import sigmas_panel


def show(job: str) -> None:
    """The training: live, finished, or why it ended.

    Raises:
        WorkerError: this browser has no such training, or the worker cannot be reached.
    """
    status = run.watch(job, lambda live: _draw(job, live), kind=PAGE)
    session.keep_run(PAGE, job)
    if status.state == "finished":
        finished(job, status)


def _draw(job: str, status: Status) -> None:
    st.caption(plain(str(status.about["title"])) + f" · seed {status.about['seed']}")
    step = status.step or {}
    course = from_json(Course, step["course"]) if "course" in step else None
    names = _class_names(status.about["config"])
    if status.has_ended:
        _ended(job, status, kept=course is not None)
        if course is not None and course.epochs:
            curves(job, course, names)
            sigmas_panel(job, course, status.about["config"]["dataset"])
        return
    if course is None:
        st.skeleton(height=320)
        return
    if step["images_per_second"]:
        session.remember(pace_name(status.about["config"]), step["images_per_second"])
    _numbers(course, step)
    curves(job, course, names)
    sigmas_panel(job, course, status.about["config"]["dataset"])


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
        on_click=run.tell,
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
        "Images a second": f"{step['images_per_second']:,.0f}"
        if step["images_per_second"]
        else "-",
        "Left, with no other run": left,
    }
    measured = f" · accuracies are those after epoch {last.epoch}" if last else ""
    st.caption(f"Epoch {step['epoch']} of {course.planned}: {plain(step['phase'])}{measured}")
    with st.container(horizontal=True):
        for label, value in shown.items():
            st.metric(label, value, width="content")


def _class_names(config: dict[str, Any]) -> tuple[str, ...]:
    if "base" in config:
        return picker_classes(config["settings"]["sigmas"])
    dataset = config["dataset"]
    sets = {one["name"]: one for one in cache.description()["trainable_sets"]}
    return tuple(sets[dataset]["class_names"]) if dataset in sets else ()


_CLEAN, _NOISY = "without noise", "under noise"
_PICKER = (
    "This network puts images into sigmas, not into their classes: right is the sigma at which the "
    "other network's radius was largest, and a radius here is how far the pick keeps. From Python, "
    "`SigmaClassifier` asks it, and `DualRS` certifies its pick together with the class."
)


def finished(job: str, status: Status) -> None:
    """A finished training, from what it learned to where it lies."""
    outcome = from_json(TrainingOutcome, status.result)
    last = outcome.course.epochs[-1]
    st.subheader(plain(outcome.spec.name))
    if outcome.stopped:
        st.warning(plain(f"It ended early: {outcome.stopped}."))
    noisy = f" and {last.noisy_accuracy:.1%} under it" if len(outcome.confusions) > 1 else ""
    st.write(
        f"After {last.epoch} epoch{'s' * (last.epoch != 1)} {last.clean_accuracy:.1%} are right "
        f"without noise{noisy}; measured on {plain(outcome.measured_on)}."
    )
    picks = is_picker(outcome.spec.class_names)
    if picks:
        st.info(_PICKER, icon=":material/call_split:")
    else:
        _use(outcome)
    curves(job, outcome.course, outcome.spec.class_names)
    sigmas_panel(job, outcome.course, status.about["config"]["dataset"])
    levels = [_CLEAN, _NOISY][: len(outcome.confusions)]
    level = st.segmented_control(
        "Mistakes", levels, default=_CLEAN, required=True, key=f"noise_{job}"
    )
    found = outcome.confusions[levels.index(level)]
    names = outcome.spec.class_names
    chart(confusion_figure(found, names, outcome.measured_on), f"confusion_{job}")
    st.caption(
        "The table counts answers of the finished network as every page uses it, on other noise "
        "than the curves: a few images may fall otherwise than while it learned."
    )
    download_training(job, outcome, status.result)
    if not picks:
        st.caption("On the command line, every command takes this training for its network:")
        st.code(f"rs certify --model={job} ...", language=None, wrap_lines=True)


def _use(outcome: TrainingOutcome) -> None:
    """The button that lets the sidebar choose the network, and so every page."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Use this model now",
            key="use_trained",
            type="primary",
            icon=":material/check:",
            on_click=_pick,
            args=(outcome.model,),
        )
        if st.session_state.get("model") == outcome.model:
            st.page_link(
                "pages/sweep.py",
                label="It is chosen: which noise level suits an image now?",
                icon=":material/show_chart:",
            )
    if session.remembered("trained_picked") == outcome.model:
        session.remember("trained_picked", None)
        if outcome.model not in offered_models(cache.description()):
            error_box("This network was deleted meanwhile: start the training again.")


def _pick(model: str) -> None:
    session.remember("models", None)  # asked for again: it is among them since it finished
    session.remember("picked", model)
    session.remember("trained_picked", model)


def curves(job: str, course: Course, names: tuple[str, ...]) -> None:
    """The curves so far; drawn once an epoch, however often they are looked at."""
    if not course.epochs:
        st.skeleton(height=320)
        return
    owner, done = session.owner(), len(course.epochs)
    left, right = st.columns(2)
    with left:
        chart(cache.drawn(owner, job, f"loss {done}", lambda: training_loss_figure(course)), "loss")
    with right:
        drawn = cache.drawn(owner, job, f"accuracy {done}", lambda: accuracy_figure(course))
        chart(drawn, "accuracy")
    if not course.probes:
        return
    band = st.selectbox(
        "Draw the band of",
        range(len(course.probes)),
        key=f"band_{job}",
        format_func=lambda k: f"{k + 1}: {tidy(course.probes[k].name)}",
        help="From what is certified to the most that further copies could certify.",
    )
    figure = cache.drawn(
        owner, job, f"radii {done} {band}",
        lambda: probe_radii_figure(course, names, band_of=band),
    )  # fmt: skip
    chart(figure, "radii")
    st.caption(
        "Each point is certified for the network of its epoch alone, at σ "
        f"{course.sigma:g}: a later network is another one. All points together hold with "
        f"probability {chance_text(course.alpha)} or more. An x marks a certificate of a wrong "
        "class."
    )
