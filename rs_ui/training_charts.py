"""The curves of a training on its page, live and finished."""

import streamlit as st

from rs_core.plots.text import chance_text, tidy
from rs_core.plots.train.curves import accuracy_figure, training_loss_figure
from rs_core.plots.train.probes import probe_radii_figure
from rs_core.results.training import Course
from rs_ui import caching, session
from rs_ui.curves import chart


def curves(job: str, course: Course, names: tuple[str, ...]) -> None:
    """The curves so far; drawn once an epoch, however often they are looked at."""
    if not course.epochs:
        st.skeleton(height=320)
        return
    owner, done = session.owner(), len(course.epochs)
    left, right = st.columns(2)
    with left:
        chart(
            caching.drawn(owner, job, f"loss {done}", lambda: training_loss_figure(course)), "loss"
        )
    with right:
        drawn = caching.drawn(owner, job, f"accuracy {done}", lambda: accuracy_figure(course))
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
    figure = caching.drawn(
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
