"""What came of a training: its network for every page, its mistakes, its files."""

import streamlit as st

from rs_core.plots.train.confusion import confusion_figure
from rs_core.results import from_json
from rs_core.results.training import TrainingOutcome
from rs_ui import caching, session
from rs_ui.curves import chart
from rs_ui.models import offered_models
from rs_ui.panels import error_box, plain
from rs_ui.status import Status
from rs_ui.training_charts import curves
from rs_ui.training_files import download_training

_CLEAN, _NOISY = "without noise", "under noise"


def finished(job: str, status: Status) -> None:
    """A finished training, from what it learned to where it lies."""
    outcome = from_json(TrainingOutcome, status.result)
    last = outcome.course.epochs[-1]
    st.subheader(plain(outcome.spec.name))
    if outcome.stopped:
        st.warning(plain(f"It ended early: {outcome.stopped}."))
    noisy = f" and {last.noisy_accuracy:.1%} under it" if len(outcome.confusions) > 1 else ""
    st.write(
        f"After {last.epoch} epochs {last.clean_accuracy:.1%} are right without noise{noisy}; "
        f"measured on {plain(outcome.measured_on)}."
    )
    _use(outcome)
    curves(job, outcome.course, outcome.spec.class_names)
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
        if outcome.model not in offered_models(caching.description()):
            error_box("This network was deleted meanwhile: start the training again.")


def _pick(model: str) -> None:
    session.remember("models", None)  # asked for again: it is among them since it finished
    session.remember("picked", model)
    session.remember("trained_picked", model)
