"""What sandwiches are made with: where sigma comes from, the attack, the numbers of copies."""

from typing import Any

import streamlit as st

from rs_ui.inputs.fields import form
from rs_ui.inputs.selectors import reference_sets, spoken, suited
from rs_ui.runs import cache
from rs_ui.runs.session import Subject

_FIXED, _PICKED = "Fixed", "Picked for each image"
_EPGD, _PGD, _SQUARE = "EPGD", "PGD", "Square"
_SIGMA = 0.25
_SHOWN = ("n", "eps", "steps", "draws", "restarts")
_ELSEWHERE = ("alpha", "sigma", "attack", "pipeline", "reselect")
# UX.md, the page's own ranges; the engine and the command line take more.
_RANGES = {"steps": (10, 200), "draws": (1, 128)}


def settings(subject: Subject, prefix: str) -> dict[str, Any] | None:
    """The task's settings; None while one of them makes no sense."""
    fields = {f["name"]: _within(f) for f in cache.description()["forms"]["sandwich"]}
    noise = _noise(subject, fields, prefix)
    kind = _attack(prefix)
    alone = kind != _EPGD  # PGD sees one copy a step, Square judges without climbing
    given = (*_ELSEWHERE, "draws") if alone else _ELSEWHERE
    numbers = _numbers(fields, given, prefix)
    if noise is None or numbers is None:
        return None
    attack = {"attack": "square" if kind == _SQUARE else "minimal", "alpha": subject.alpha}
    return {**attack, **({"draws": 1} if alone else {}), **numbers, **noise}


def _numbers(
    fields: dict[str, dict[str, Any]], given: tuple[str, ...], prefix: str
) -> dict[str, Any] | None:
    """The numbers that matter most, two in a row, and the others on request."""
    first = [name for name in _SHOWN if name not in given]
    parts = []
    for place, name in enumerate(first):
        if place % 2 == 0:  # a row for each two: a narrow screen keeps their order
            columns = st.columns(2, vertical_alignment="bottom")
        with columns[place % 2]:
            parts.append(form([fields[name]], prefix=prefix, first=(name,), given=()))
    rest = (*given, *first)
    parts.append(form(list(fields.values()), prefix=prefix, first=(), given=rest))
    found: dict[str, Any] = {}
    for part in parts:
        if part is None:
            return None
        found |= part
    return found


def _attack(prefix: str) -> str:
    kind: str = st.segmented_control(
        "Attack",
        (_EPGD, _PGD, _SQUARE),
        default=_EPGD,
        required=True,
        key=f"{prefix}_attack",
        bind="query-params",
        persist_state="session",
        help="Each looks for the smallest change. EPGD follows the mean gradient of several noisy "
        "copies in each step, PGD that of one. Square is a random search, for networks without "
        "gradients: weaker, but nothing can hide a gradient from it.",
    )
    return kind


def _within(field: dict[str, Any]) -> dict[str, Any]:
    """The field, held to the page's range."""
    low, high = _RANGES.get(field["name"], (field["low"], field["high"]))
    return {**field, "low": low, "high": high}


def _noise(
    subject: Subject, fields: dict[str, dict[str, Any]], prefix: str
) -> dict[str, Any] | None:
    """Sigma or the selector that picks it, and whether the system that re-picks is attacked."""
    source = st.segmented_control(
        "Noise level σ",
        (_FIXED, _PICKED),
        default=_FIXED,
        required=True,
        key=f"{prefix}_level",
        bind="query-params",
        persist_state="session",
        help="Fixed beforehand: both ends concern one classifier for all images. Picked for each "
        "image: both ends concern the classifier frozen at the σ that was picked.",
    )
    rest = {"pipeline": False, "reselect": fields["reselect"]["default"]}
    if source == _FIXED:
        sigma = {**fields["sigma"], "default": _SIGMA, "help": "noise level σ"}
        chosen = form([sigma], prefix=prefix, first=("sigma",), given=())
        return None if chosen is None else {**chosen, "selector": None, **rest}
    picked = _selector(subject, prefix)
    on = st.toggle(
        "Also attack the system that picks σ again",
        key=f"{prefix}_pipeline",
        bind="query-params",
        persist_state="session",
        help="A second attack, on the deployed system: it looks at each moved image and picks "
        "another σ. Nothing is certified of that system, so its row has an attack end only.",
    )
    again: dict[str, Any] | None = {}
    if on:
        field = [fields["reselect"]]
        again = form(field, prefix=prefix, first=("reselect",), given=())
    if picked is None or again is None:
        return None
    return {"sigma": None, "selector": picked, **rest, **again, "pipeline": on}


def _selector(subject: Subject, prefix: str) -> dict[str, Any] | None:
    """A selector by name with its settings; None while one of them makes no sense."""
    offered = cache.description()["selectors"]
    able = [n for n in offered if n != "fixed" and (n != "knn" or reference_sets(subject))]
    name = st.selectbox(
        "Selector",
        able,
        key=f"{prefix}_selector",
        bind="query-params",
        persist_state="session",
        format_func=spoken,
    )
    # l1 radii cannot stand in one sandwich with an l2 attack.
    fields = [suited(field, subject) for field in offered[name] if field["name"] != "norm"]
    chosen = form(fields, prefix=f"{prefix}_{name}", first=(), given=())
    return None if chosen is None else {"selector": name, "settings": chosen}
