"""The settings of a study: numbers from the worker's form, rules, attacks and selectors by name."""

from typing import Any

import streamlit as st

from rs_core.plots.study.text import VOTE_WORDS
from rs_core.results.study import ATTACK_KINDS, STRENGTHS
from rs_ui import caching
from rs_ui.forms import form
from rs_ui.methods import reference_sets, spoken
from rs_ui.session import Subject

_FIRST = {
    "study_noise": ("sigmas", "samples", "norm", "eps"),
    "study_strength": ("eps", "sigma", "samples", "vote", "norm"),
    "study_frontier": ("sigmas", "gammas"),
}
_ATTACKS = {"none": "no attack", "pgd": "PGD on the network", "epgd": "EPGD on the vote"}


def study_settings(kind: str, subject: Subject) -> dict[str, Any] | None:
    """The settings of a study as its task takes them; None while one makes no sense."""
    fields = caching.description()["forms"][kind]
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
        offered = caching.description()["selectors"]
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
