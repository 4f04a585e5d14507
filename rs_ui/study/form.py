"""The settings of a study: numbers from the worker's form, rules, attacks and selectors by name."""

from typing import Any

import streamlit as st

from rs_core.plots.study.text import VOTE_WORDS
from rs_core.results.study import ATTACK_KINDS, STRENGTHS
from rs_ui.inputs.fields import form
from rs_ui.inputs.image_sets import choose_images
from rs_ui.inputs.selectors import reference_sets, spoken
from rs_ui.runs import cache
from rs_ui.runs.page import RunPage
from rs_ui.runs.session import Subject
from rs_ui.study.view import RESULTS, TITLES, finished, live

_FIRST = {
    "study_noise": ("sigmas", "samples", "norm", "eps"),
    "study_strength": ("eps", "sigma", "samples", "vote", "norm"),
    "study_frontier": ("sigmas", "gammas"),
}
_ATTACKS = {"none": "no attack", "pgd": "PGD on the network", "epgd": "EPGD on the vote"}


def study_settings(kind: str, subject: Subject) -> dict[str, Any] | None:
    """The settings of a study as its task takes them; None while one makes no sense."""
    fields = cache.description()["forms"][kind]
    settings = form(fields, prefix=kind, first=_FIRST[kind], given=())
    words: dict[str, list[Any]] = {}
    if kind == "study_noise":
        words["votes"] = _pick(f"{kind}_votes", "Voting rules", VOTE_WORDS, ("hard", "soft"))
        words["attacks"] = _pick(f"{kind}_attacks", "Attacks", _ATTACKS, ATTACK_KINDS)
    if kind == "study_frontier":
        both = {strength: strength for strength in STRENGTHS}
        words["strengths"] = _pick(f"{kind}_strengths", "Attacks", both, STRENGTHS)
    if settings is None or not all(words.values()):
        if not all(words.values()):
            st.info("Choose at least one of each.")
        return None
    if kind == "study_frontier":
        offered = cache.description()["selectors"]
        able = {n: spoken(n) for n in offered if n not in ("fixed", "knn") or _knn(n, subject)}
        chosen = _pick(f"{kind}_selectors", "Who else picks σ", able, ())
        words["selectors"] = [{"selector": name, "settings": {}} for name in chosen]
    return {name: _listed(value) for name, value in (settings | words).items()}


def _knn(name: str, subject: Subject) -> bool:
    return name == "knn" and bool(reference_sets(subject))


def _pick(key: str, label: str, words: dict[str, str], default: tuple[str, ...]) -> list[str]:
    chosen = st.pills(
        label,
        list(words),
        selection_mode="multi",
        default=list(default),
        key=key,
        bind="query-params",
        persist_state="session",
        format_func=lambda name: words.get(name, name),
    )
    return [name for name in words if name in chosen]


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


_PAGE = "study"
_ABOUT = {
    "study_noise": (
        "How many images a vote of M noisy copies names correctly, against the noise it votes "
        "under: as they are, under PGD on the network, and under EPGD on the smoothed network."
    ),
    "study_strength": (
        "How many images the plain and the smoothed network name correctly, against the radius of "
        "the attack."
    ),
    "study_frontier": (
        "Accuracy without attack against accuracy under attack, for fixed noise levels and for "
        "selectors. The weaker attack knows the network alone, the stronger one also the noise and "
        "whoever picks it."
    ),
}


RUN = RunPage(
    name=_PAGE,
    results=RESULTS,
    noun="study",
    live=live,
    finished=finished,
    icon=":material/query_stats:",
    promise="The curves grow point by point, and you may pause or cancel at any time. A study "
    "certifies nothing.",
    address="study",  # `run` belongs to the page around it
)


def show(subject: Subject) -> None:
    """Controls, the run under way or finished, and its files."""
    with st.container(border=True):
        kind: str = st.segmented_control(
            "Which study",
            list(TITLES),
            default="study_noise",
            required=True,
            key=f"{_PAGE}_kind",
            bind="query-params",
            persist_state="session",
            format_func=lambda name: TITLES.get(name, name),
        )
        st.caption(_ABOUT[kind])
        images = choose_images(subject, _PAGE)
        config = study_settings(kind, subject)
        wanted = RUN.start_row(subject, images.ids if images else None, config, kind=kind)
    RUN.show(wanted)
