"""A comparison on its page: a table per badge, the oracle apart, the slope chart."""

import math
from typing import Any

import streamlit as st

from rs_core.plots import BADGES, repicked_sigma_figure, slope_chart
from rs_core.plots.compare.tables import (
    ORACLE_WARNING,
    live_tables,
    oracle_table,
    promise,
    score_tables,
)
from rs_core.plots.report import Table
from rs_core.plots.text import index_text
from rs_core.results import Badge, ModelSpec
from rs_core.results.comparison import Comparison, MethodScore
from rs_core.statistics import ceil_digits
from rs_ui import teaching
from rs_ui.compare.files import download_comparison
from rs_ui.compare.image import images
from rs_ui.inputs.image_sets import count_text
from rs_ui.inputs.models import spec_of
from rs_ui.panels import badge_html, chart, plain, table_of
from rs_ui.runs import cache, session
from rs_ui.runs.page import FinishedRun
from rs_ui.runs.status import Status, duration

_LESSON = (
    "The oracle is not a defence. It looks at the radius of every image at every σ and keeps the "
    "largest; whoever defends cannot look first and certify with the same draws. A method chooses "
    "σ on draws of its own, and its certificate comes from fresh ones. Compare methods under one "
    "badge only: A holds against everybody, C only for the classifier frozen at the σ it picked."
)


def live(status: Status) -> None:
    """The methods that are finished already."""
    step = status.step or {}
    words = [plain(str(step.get("phase", "")))] if step.get("phase") else []
    count = count_text(len(status.about.get("image_ids", ())))
    st.caption(" · ".join([*words, count]))
    scores = [_score(one) for one in (step.get("partial") or {}).get("methods", ())]
    for badge, table in live_tables(scores, [""] * len(scores), f"{count}, so far"):
        badge_table(badge, table)


def _score(data: dict[str, Any]) -> MethodScore:
    """A method that is finished already; its scores are null where a label is missing."""
    unknown = {n: math.nan for n in ("acr", "accuracy") if data[n] is None}
    return MethodScore(**{n: data[n] for n in MethodScore._fields} | unknown)


def finished(done: FinishedRun[Comparison]) -> None:
    """The tables and the chart, the files, every image."""
    about = done.status.about
    spec = spec_of(about["model"])
    scores(done.job, done.status, done.result, spec)
    download_comparison(done.status, done.result, spec)
    images(done.job, about["image_ids"], done.result, spec)


def scores(job: str, status: Status, comparison: Comparison, spec: ModelSpec) -> None:
    """The tables and the chart, and what may be claimed of them together."""
    teaching.say(_LESSON)
    about, config = status.about, status.about["config"]
    st.caption(
        f"{plain(spec.name)} · {plain(index_text(comparison, short=True))} · "
        f"seed {about['seed']} · alpha {ceil_digits(config['alpha'], 6)} · n {config['n']:,} · "
        f"{duration(status.seconds)}"
    )
    for badge, table in score_tables(comparison):
        badge_table(badge, table)
        for guarantee in dict.fromkeys(m.guarantee for m in comparison.methods if m.badge == badge):
            made = [
                c for m in comparison.methods if m.guarantee == guarantee for c in m.certificates
            ]
            st.caption(plain(f"{guarantee.replace('_', ' ')}: {promise(guarantee, made)}"))
    if any(label is None for label in comparison.labels):
        st.caption("Mean radius and accuracy need the true class of every image.")
    apart = oracle_table(comparison)
    if apart is not None:
        st.markdown("**Seen afterwards, not certificates**")
        st.caption(plain(apart.caption.partition(": ")[2]))
        table_of(apart)
        st.caption(f":material/warning: {ORACLE_WARNING}")
    names = spec.class_names
    figure = cache.drawn(session.owner(), job, "slopes", lambda: slope_chart(comparison, names))
    chart(figure, f"slopes_{job}")
    st.caption(
        f"{plain(index_text(comparison))}. Scores on other images are not comparable with these."
    )
    for note in comparison.notes:
        st.caption(plain(note))
    if status.questions > 1 or status.at_least:
        many = status.count_text if status.at_least else f"Up to {status.questions}"
        st.caption(
            f":material/casino: {many} statements were made about one of these images (methods, "
            f"curves, other runs). Each holds by itself; {status.best_text}."
        )


def badge_table(badge: Badge, table: Table) -> None:
    """A table under its badge: letter, word, colour and shape."""
    shown = BADGES[badge]
    where = plain(table.caption.removeprefix(f"{shown.text}: "))
    st.html(
        '<div style="display:flex; gap:8px; align-items:center; font-weight:600">'
        f"{badge_html(shown)}{shown.text}</div>"
    )
    st.caption(where)
    table_of(table)


def counterexample() -> None:
    """Why a certificate of badge C says nothing of a selector that picks again."""
    with st.expander("What badge C does not promise", icon=":material/help:"):
        st.write(
            "A selector picked σ for this image, and the certificate is true for the classifier "
            "frozen at that σ. An attacker moves the image, the selector picks again, and the "
            "deployed classifier is another one. Below a selector that honestly takes the σ with "
            "the largest radius: inside the certified radius it changes its mind, and the class "
            "flips."
        )
        chart(cache.drawn("", "", "repicked", repicked_sigma_figure), "repicked")
