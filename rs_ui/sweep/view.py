"""A radius curve on a page: live with its honest band, finished with all that it claims."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from rs_core.plots import Band, radius_figure, sigma_slider_figure, votes_figure
from rs_core.plots.style import BadgeStyle
from rs_core.plots.tables import READING_NOTES, certificate_table
from rs_core.plots.text import radius_text
from rs_core.results import Certificate, RadiusCurve
from rs_core.statistics import floor_decimals, radius_ceiling
from rs_ui import teaching
from rs_ui.inputs.models import spec_of
from rs_ui.inputs.subject import noisy_copies, subject_of
from rs_ui.panels import certificate_card, chart, image_pair, plain
from rs_ui.runs import cache, run, session
from rs_ui.runs.page import FinishedRun
from rs_ui.runs.status import Status, draws_of, duration
from rs_ui.sweep.files import download_sweep

_LESSON = (
    "Read the curve from left to right. At a small σ nearly all copies agree, but agreement under "
    "little noise certifies little: even if *all* of $n$ copies agree, the radius is at most "
    "$\\sigma\\,\\Phi^{-1}(\\alpha^{1/n})$ (10 of 10 at α = 0.001 certify {ceiling} σ). The "
    "dashed ceiling is that limit; all levels of the curve share one α, so each has its part of "
    "it, while the star has an α of its own and may stand above. At a large σ the network no "
    "longer recognises the image, and the vote abstains."
)


def live(status: Status) -> None:
    """The band so far, or a placeholder before the first copies have voted."""
    _curve(status, spec_of(status.about["model"]).class_names)
    _teach()


def _teach() -> None:
    teaching.say(_LESSON.replace("{ceiling}", floor_decimals(radius_ceiling(1.0, 10, 1e-3), 5)))


def finished(done: FinishedRun[RadiusCurve]) -> None:
    """The curve and all that it claims, its files, and what the image looked like."""
    curve, status = done.result, done.status
    subject = subject_of(done.job, status.about, session.subject())
    sigmas = [c.sigma for c in curve.certificates]
    owner = session.owner()  # a download is built where there is no session

    def copies() -> np.ndarray:
        return noisy_copies(subject, sigmas, owner)

    _teach()
    finished_curve(done.job, curve, subject, copies)
    st.caption(
        f"{draws_of(status.result):,} noisy copies in {duration(status.seconds)} · "
        f"{plain(subject.spec.name)} · {curve.certificates[0].precision} · seed {subject.seed}"
    )
    run.questions_note(status)
    download_sweep(curve, status, subject, copies)
    with st.expander("What happened to the image", icon=":material/image:"):
        image_pair(subject, width=200)


def _curve(status: Status, names: tuple[str, ...]) -> None:
    if status.step is None:
        st.skeleton(height=460)
        return
    step = status.step
    upper = [np.inf if value is None else value for value in step["upper"]]
    band = Band(
        sigmas=step["sigmas"],
        lower=step["lower"],
        upper=upper,
        predicted=step["predicted"],
        done=status.done,
        total=status.total,
    )
    config = status.about["config"]
    empty = RadiusCurve((), config["alpha"], config["simultaneous"])
    chart(radius_figure(empty, band=band, class_names=names), "live_curve")


def finished_curve(
    job: str, curve: RadiusCurve, subject: session.Subject, copies: Callable[[], np.ndarray]
) -> None:
    """The best sigma's card and why it was picked, the curve, the votes, the slider, the table."""
    owner, names = session.owner(), subject.class_names
    if curve.best is not None:
        certificate_card(curve.best, subject.label, names)
        st.caption(plain(why_best(curve)))
    elif all(c.predicted is None for c in curve.certificates):
        st.warning(
            "Every noise level abstains: its copies do not tell which class is the likeliest. Take "
            "more copies, add smaller noise levels, or choose a network trained with noise."
        )
    chart(
        cache.drawn(owner, job, "curve", lambda: radius_figure(curve, class_names=names)),
        f"curve_{job}",
    )
    left, right = st.columns([3, 2])
    with left:
        slider = cache.drawn(
            owner, job, "slider", lambda: sigma_slider_figure(curve, copies(), names)
        )
        chart(slider, f"slider_{job}")
    with right:
        votes = cache.drawn(owner, job, "votes", lambda: votes_figure(curve, names))
        chart(votes, f"votes_{job}")
    with st.expander("Every number, and how to read it", icon=":material/table:"):
        _table(curve, names)


def why_best(curve: RadiusCurve) -> str:
    """Why this sigma, and what its badge does not cover."""
    best = curve.best
    if best is None:
        return ""
    top = max(curve.certificates, key=lambda c: c.radius)
    fresh = (
        f"On fresh draws it certifies {radius_text(best.radius)}."
        if best.predicted is not None
        else "On fresh draws it abstains."
    )
    return (
        f"σ = {best.sigma:g} has the largest radius of the curve ({radius_text(top.radius)}), so "
        f"it was certified again on copies that had no part in the choice. {fresh} Badge C: σ was "
        "picked for this very image and is then held fixed; somebody who may change σ too is not "
        "covered."
    )


def _table(curve: RadiusCurve, names: tuple[str, ...]) -> None:
    rows: list[Certificate] = [*curve.certificates, *([curve.best] if curve.best else [])]
    labels = ["grid"] * len(curve.certificates) + ["best, fresh draws"] * bool(curve.best)
    table = certificate_table("Certificates", "source", labels, rows, names)
    cells = [[_cell(row[i]) for row in table.rows] for i in range(len(table.header))]
    st.dataframe(dict(zip(table.header, cells, strict=True)), hide_index=True)
    for note in READING_NOTES:
        st.caption(plain(note))


def _cell(cell: str | BadgeStyle) -> str:
    return cell.text if isinstance(cell, BadgeStyle) else cell
