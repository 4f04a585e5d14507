"""The attack lab's one image: settings, start, the live losses, the finished attack."""

from typing import Any

import streamlit as st

from rs_core.evaluation.attack_cost import trial_passes
from rs_core.results import from_json
from rs_core.results.attack_trial import AttackTrial
from rs_core.statistics import ceil_digits
from rs_ui import caching, changed, refusals, running, session, teaching
from rs_ui.answers import started
from rs_ui.attack_form import PREFIX, attack_config
from rs_ui.attack_live import live_attack
from rs_ui.attacked import finished_attack
from rs_ui.jobs import WorkerError
from rs_ui.panels import error_box, plain
from rs_ui.session import Subject
from rs_ui.status import cost_text
from rs_ui.subjects import is_same, subject_of

_KIND = "attack"
_LESSON = (
    "**Stronger attack, smaller number.** A certificate says how far the image can be moved *at "
    "least*; an attack shows how far is *enough*. The true radius lies between, and every better "
    "attack lowers the upper end. So an attack that fails proves nothing: try more steps, more "
    "restarts, more copies per step, or one that needs no gradient. What an attack believes of its "
    "own image does not count either: it was chosen on the attack's noise, so PREDICT is asked "
    "again on noise that nobody has seen."
)


def show(subject: Subject) -> None:
    """Controls, and under them the run of this page, or an invitation to start one."""
    teaching.say(_LESSON)
    config = _controls(subject)
    job = session.run_id(PREFIX)
    if job is None:
        st.info(
            f"No attack yet: press Start to attack {plain(subject.name)}. Its losses are drawn "
            "while it climbs, and you may pause or cancel it at any time.",
            icon=":material/bolt:",
        )
        return
    try:
        _run(job, subject, config)
    except WorkerError as error:
        session.keep_run(PREFIX, None)
        error_box(str(error))


def _controls(subject: Subject) -> dict[str, Any] | None:
    """The form, what it costs, and Start; its settings, None while one makes no sense."""
    with st.container(border=True):
        config = attack_config(subject)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Start the attack",
                key="start_attack",
                type="primary",
                icon=":material/play_arrow:",
                disabled=config is None,
                on_click=session.remember,
                args=("attack_pressed", True),
            )
            if config is not None:
                st.caption(cost_text(subject, trial_passes(config)), width="content")
        with session.pressed("attack_pressed") as pressed:
            if pressed and config is not None:
                _start(subject, config)
        refusals.show(PREFIX, subject.image, config, *subject.settings)
    return config


def _start(subject: Subject, config: dict[str, Any]) -> None:
    job = started(_KIND, PREFIX, subject, [subject.image], config)
    if job is not None:
        session.keep_asked(job, subject)
        session.keep_run(PREFIX, job)


def _run(job: str, present: Subject, config: dict[str, Any] | None) -> None:
    note = st.container()
    status = running.watch(job, live_attack, kind=_KIND)
    session.keep_run(PREFIX, job)
    asked = status.about["config"]
    subject = subject_of(job, _of_one(status.about), present)
    with note:
        if not is_same(subject, present):
            st.warning(
                f"This attack is on {plain(subject.name)} with {plain(subject.spec.name)}, seed "
                f"{subject.seed}, alpha {ceil_digits(subject.alpha, 6)}. Press Start "
                "for what the sidebar shows now."
            )
        elif config is not None and changed.differs(config, asked):
            st.info("The settings above have changed since: press Start for an attack of theirs.")
    if status.state == "finished":
        trial = caching.drawn(
            session.owner(), job, "trial", lambda: from_json(AttackTrial, status.result)
        )
        finished_attack(job, status, trial, subject)


def _of_one(about: dict[str, Any]) -> dict[str, Any]:
    """What was asked, in the words of a run of one image."""
    alpha = about["config"]["confirm"]["alpha"]
    one = {"image_id": about["image_ids"][0], "label": about["labels"][0]}
    return {**about, **one, "config": {"alpha": alpha}}
