"""What a training costs, and its Start."""

from typing import Any

import streamlit as st

from rs_ui import refusals, session
from rs_ui.answers import call
from rs_ui.jobs import WorkerError
from rs_ui.session import Subject
from rs_ui.status import duration
from rs_ui.training_probes import Probes

PAGE = "train"


def start(
    config: dict[str, Any] | None,
    probes: Probes | None,
    subject: Subject | None,
    dataset: dict[str, Any],
) -> None:
    """The button, beside it the cost, below why the worker refused.

    Args:
        config, probes: None while a setting makes no sense, and Start can do nothing.
        subject: the sidebar's; its seed, risk and device hold here.
        dataset: what is trained on, as the worker describes it.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Start the training",
            key="start_train",
            type="primary",
            icon=":material/play_arrow:",
            disabled=config is None or probes is None,
            on_click=session.remember,
            args=("train_pressed", True),
        )
        if config is not None:
            st.caption(cost_text(config, dataset), width="content")
    started = False
    with session.pressed("train_pressed") as pressed:
        if pressed and config is not None and probes is not None:
            started = _started(config, probes, subject)
    if started:
        st.rerun()  # the form was drawn for a page that shows no training
    refusals.show(PAGE, config, probes, *(subject.settings if subject else ()))


def cost_text(config: dict[str, Any], dataset: dict[str, Any]) -> str:
    """How many images are learned from, and how long that takes at an earlier training's pace."""
    epochs, images = int(config["settings"]["epochs"]), int(dataset["train"])
    text = f"{epochs:,} x {images:,} images, forward and backward"
    pace = session.remembered(pace_name(config))
    return f"{text}, about {duration(epochs * images / pace)} at an earlier pace" if pace else text


def pace_name(config: dict[str, Any]) -> str:
    """Under which name the images per second of such a training are put aside."""
    return "pace_" + "_".join(config[part] for part in ("dataset", "architecture", "recipe"))


def _started(config: dict[str, Any], probes: Probes, subject: Subject | None) -> bool:
    seed, device = (subject.seed, subject.device) if subject else (0, "auto")
    risk = {"alpha": subject.alpha} if subject else {}
    asked = {**config, **risk, "probes": list(probes.ids), "labels": list(probes.labels)}
    try:
        reply = call("start", kind="train", config=asked, seed=seed, device=device)
    except WorkerError as error:
        session.remember("train_probes", None)  # one of them may have been deleted
        refusals.keep(PAGE, str(error))
        return False
    refusals.keep(PAGE, None)
    session.keep_run(PAGE, reply["job"])
    return True
