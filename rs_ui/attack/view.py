"""A finished attack on its page: the verdict, the pictures, the shifted vote, the losses."""

import html

import numpy as np
import streamlit as st

from rs_core.plots import BADGES, loss_figure, perturbation_picture, vote_shift_figure
from rs_core.plots.attack.pictures import AMPLIFIED
from rs_core.plots.attack.text import (
    NORMS,
    budget_text,
    norm_text,
    remarks,
    stored_text,
    target_text,
    verdict,
)
from rs_core.plots.text import tidy
from rs_core.results.attack import AttackResult
from rs_core.results.attack_trial import AttackTrial, is_already
from rs_ui.attack.files import download_attack
from rs_ui.inputs.subject import subject_of
from rs_ui.panels import badge_html, chart, plain, shown
from rs_ui.runs import cache, run, session
from rs_ui.runs.page import FinishedRun
from rs_ui.runs.session import Subject
from rs_ui.runs.status import Status, duration

_WIDTH = 224
_CARD = """
<div style="border:1px solid rgba(128,128,128,.45); border-left:6px solid {colour};
  border-radius:8px; padding:12px 16px">
  <div style="display:flex; gap:8px; align-items:center; font-weight:600">{shape}{badge}</div>
  <div style="font-size:1.9rem; font-weight:700; line-height:1.25; margin-top:4px">{headline}</div>
  <div style="margin-top:8px; font-size:.9rem">{sentence}</div>
</div>
"""


def finished_attack(done: FinishedRun[AttackTrial]) -> None:
    """All that is known of the attack on one image."""
    job, status, trial = done.job, done.status, done.result
    subject, result = subject_of(job, status.about, session.subject()), trial.results[0]
    _card(trial, subject)
    st.caption(plain(budget_text(trial)))
    _notes(trial)
    _pictures(subject, result)
    st.caption(plain(stored_text(result)))
    left, right = st.columns(2)
    with left:
        chart(_shift(job, trial, subject), f"shift_{job}")
    with right:
        if result.loss_trace:
            chart(_losses(job, trial), f"losses_{job}")
    run.questions_note(status)
    st.caption(
        plain(
            f"{trial.attack} on {target_text(trial)} · {result.passes:,.0f} passes forward and "
            f"back in {duration(status.seconds)} · {tidy(subject.spec.name)} · seed {subject.seed}"
        )
    )
    download_attack(status, trial, subject)


def _card(trial: AttackTrial, subject: Subject) -> None:
    badge, said = BADGES["D"], verdict(trial, 0, subject.class_names)
    st.html(
        _CARD.format(
            colour=badge.colour,
            shape=badge_html(badge),
            badge=html.escape(badge.text),
            headline=html.escape(said.headline),
            sentence=html.escape(tidy(said.sentence)),
        )
    )


def _notes(trial: AttackTrial) -> None:
    """Warnings stand out; the other remarks are said in small."""
    for remark in remarks(trial, 0):
        warns = remark.startswith("warning: ")
        text = plain(remark.removeprefix("warning: "))
        if warns or (remark.startswith("self-check: ") and trial.check and trial.check.warnings):
            st.warning(text, icon=":material/warning:")
        else:
            st.caption(text)


def _pictures(subject: Subject, result: AttackResult) -> None:
    name = tidy(subject.name)
    change = perturbation_picture(subject.pixels, result.adversarial)
    ended = "the adversarial image" if result.confirmed else "where the attack ended"
    if is_already(result):
        ended = "left unchanged"
    norms = f"ℓ2 {norm_text(result.l2)}, ℓ∞ {norm_text(result.linf)}"
    rows: list[tuple[np.ndarray, str, str]] = [
        (subject.pixels, "the image", f"{name}, as the network sees it"),
        (
            change,
            f"what was changed, {AMPLIFIED} times as strong",
            f"the perturbation of {name}, {AMPLIFIED} times as strong, grey where nothing changed",
        ),
        (result.adversarial, f"{ended}: {norms}", f"{name} after the attack"),
    ]
    with st.container(horizontal=True, gap="small"):
        for pixels, caption, alt in rows:
            st.image(
                shown(pixels), caption=plain(caption), width=_WIDTH, alt=alt, output_format="PNG"
            )


def _shift(job: str, trial: AttackTrial, subject: Subject) -> object:
    return cache.drawn(
        session.owner(),
        job,
        "shift",
        lambda: vote_shift_figure(
            trial.before[0], trial.after[0], trial.results[0].label, subject.class_names
        ),
    )


def _losses(job: str, trial: AttackTrial) -> object:
    blind = bool(cache.description()["attacks"][trial.attack]["gradient_free"])
    return cache.drawn(
        session.owner(),
        job,
        "losses",
        lambda: loss_figure(trial.results[0].loss_trace, gradient_free=blind),
    )


def live_attack(status: Status) -> None:
    """Phase, nearest image and losses so far."""
    step = status.step or {}
    norm = NORMS[status.about["config"]["settings"].get("norm", "l2")]
    words = [str(step["phase"])] if step.get("phase") else []
    if step.get("nearest") is not None:
        words.append(
            f"nearest image that its own copies call adversarial: {norm} "
            f"{norm_text(step['nearest'])} (an opinion, until fresh noise confirms it)"
        )
    st.caption(plain(" · ".join(words)) if words else "Waiting for the first step")
    losses = [float("nan") if value is None else value for value in step.get("losses", ())]
    if losses:
        chart(loss_figure(losses, every=step["every"], live=True), "live_losses")
    elif step.get("phase"):
        st.caption("This attack follows no gradient: what it finds is shown at its end.")
    else:
        st.skeleton(height=340)
