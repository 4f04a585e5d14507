"""The sigma sweep on its page: settings, start, the live curve, the finished one."""

from typing import Any

import streamlit as st

from rs_core.results import RadiusCurve, from_json
from rs_core.statistics import ceil_digits, floor_decimals, radius_ceiling
from rs_ui import teaching
from rs_ui.inputs.fields import form
from rs_ui.inputs.subject import is_same, noisy_copies, subject_of
from rs_ui.panels import error_box, image_pair, plain
from rs_ui.runs import cache, changed, run, session
from rs_ui.runs.price import price_of
from rs_ui.runs.session import Subject
from rs_ui.runs.status import Status, cost_text, draws_of, duration
from rs_ui.sweep.files import download_row
from rs_ui.sweep.view import finished_curve, live_curve

_PAGE = "sweep"
_FIRST = ("sigmas", "n")
_GIVEN = ("alpha",)
_LESSON = (
    "Read the curve from left to right. At a small σ nearly all copies agree, but agreement under "
    "little noise certifies little: even if *all* of $n$ copies agree, the radius is at most "
    "$\\sigma\\,\\Phi^{-1}(\\alpha^{1/n})$ (10 of 10 at α = 0.001 certify {ceiling} σ). The "
    "dashed ceiling is that limit; all levels of the curve share one α, so each has its part of "
    "it, while the star has an α of its own and may stand above. At a large σ the network no "
    "longer recognises the image, and the vote abstains."
)


def controls(subject: Subject) -> dict[str, Any] | None:
    """The form, what it costs, and Start; its settings, None while one makes no sense."""
    with st.container(border=True):
        fields = cache.description()["forms"]["sweep"]
        config = form(fields, prefix=_PAGE, first=_FIRST, given=_GIVEN)
        asked = None if config is None else {**config, "alpha": subject.alpha}
        price = price_of(_PAGE, _PAGE, subject.model, asked)
        with st.container(horizontal=True, vertical_alignment="center"):
            # A number typed just before the click arrives together with it, and a callback holds
            # the settings that were drawn before: so it only leaves a note.
            st.button(
                "Start the sweep",
                key="start_sweep",
                type="primary",
                icon=":material/play_arrow:",
                disabled=config is None or bool(price.refusal),
                on_click=session.remember,
                args=("sweep_pressed", True),
            )
            if price.passes:
                st.caption(cost_text(subject, price.passes), width="content")
        if price.refusal:
            error_box(price.refusal)
        with session.pressed("sweep_pressed") as pressed:
            if pressed and config is not None and not price.refusal:
                _start(subject, config)
        run.show_refusal(_PAGE, subject.image, config, *subject.settings)
    return config


def _start(subject: Subject, config: dict[str, Any]) -> None:
    job = run.begin("sweep", _PAGE, subject, config)
    if job is not None:
        session.keep_run(_PAGE, job)


def invitation(subject: Subject) -> None:
    """What stands here before the first sweep."""
    st.info(
        f"No sweep yet: press Start to draw the radius curve of {plain(subject.name)}. The curve "
        "grows while the noisy copies vote, and you may cancel it at any time.",
        icon=":material/show_chart:",
    )


def show(job: str, present: Subject, config: dict[str, Any] | None) -> None:
    """The run: its live curve, its finished one, or why there is none.

    Args:
        job: the run.
        present, config: what the sidebar and the form show now; a note says where they differ.

    Raises:
        WorkerError: this browser has no such sweep, or the worker cannot be reached.
    """
    note = st.container()

    def draw(status: Status) -> None:
        if status.state in ("failed", "cancelled"):
            _ended(status)
        else:
            live_curve(status, subject_of(job, status.about).class_names)

    status = run.watch(job, draw, kind="sweep")
    session.keep_run(_PAGE, job)
    subject = subject_of(job, status.about, present)
    with note:
        _belongs_to(subject, present)
        if config is not None and changed.differs(config, status.about["config"]):
            st.info("The settings above have changed since: press Start for a curve of theirs.")
    teaching.say(_LESSON.replace("{ceiling}", floor_decimals(radius_ceiling(1.0, 10, 1e-3), 5)))
    if status.state == "finished":
        _finished(job, status, subject)


def _ended(status: Status) -> None:
    if status.state == "cancelled":
        st.info(f"Cancelled after {status.progress_text}. Nothing is certified.")
    else:
        error_box(status.error or "The run failed: rs.log holds the details.")


def _belongs_to(subject: Subject, present: Subject) -> None:
    if not is_same(subject, present):
        st.warning(
            f"This curve is of {plain(subject.name)} with {plain(subject.spec.name)}, seed "
            f"{subject.seed}, alpha {ceil_digits(subject.alpha, 6)}. Press Start for what "
            "the sidebar shows now."
        )


def _finished(job: str, status: Status, subject: Subject) -> None:
    curve = from_json(RadiusCurve, status.result)
    sigmas = [c.sigma for c in curve.certificates]

    owner = session.owner()  # a download is built where there is no session

    def copies() -> Any:
        return noisy_copies(subject, sigmas, owner)

    finished_curve(job, curve, subject, copies)
    draws = draws_of(status.result)
    st.caption(
        f"{draws:,} noisy copies in {duration(status.seconds)} · {plain(subject.spec.name)}"
        f" · {curve.certificates[0].precision} · seed {subject.seed}"
    )
    run.questions_note(status)
    download_row(curve, status, subject, copies)
    with st.expander("What happened to the image", icon=":material/image:"):
        image_pair(subject, width=200)
