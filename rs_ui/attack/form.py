"""Which attack with which budget, and how fresh noise is asked: the task's settings."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from rs_core.plots.text import class_text
from rs_core.results.attack_trial import SMALLEST, AttackTrial
from rs_ui import teaching
from rs_ui.attack.target import NETWORK, PIPELINE, Target, choose_aim, choose_target
from rs_ui.attack.view import finished_attack, live_attack
from rs_ui.inputs.fields import form
from rs_ui.panels import error_box
from rs_ui.runs import cache
from rs_ui.runs.page import RunPage
from rs_ui.runs.session import Subject

PREFIX = "attack"
_BUDGET = ("norm", "eps", "steps", "restarts", "step_size", "draws", "rounds", "queries", "tries")
_NOISE = ("draws", "expectation", "fresh", "judged")
_OF_GRADIENTS = ("draws", "expectation", "fresh")
_WALK = {"confirmations": 8, "stretch": 0.02}  # what ends on the border is confirmed further out
_COLUMNS = 3


def attack_config(subject: Subject) -> dict[str, Any] | None:
    """The task's settings; None while one makes no sense, with the reason beside it."""
    target = choose_target(subject, PREFIX)
    left, right = st.columns(2)
    with left:
        name = _attack(target)
    with right:
        aim = choose_aim(subject, PREFIX)
    settings = _settings(name, target)
    confirm = _confirmation(name, target, subject)
    check = _self_check(name, target)
    if aim is not None and aim == subject.label:
        error_box(
            f"{class_text(aim, subject.class_names)} is the true class of this image, so it cannot "
            "be the one to reach: choose another."
        )
        return None
    if settings is None or confirm is None or not target.sound:
        return None
    return {
        "attack": name,
        "settings": {**settings, "sigma": target.sigma, "target": aim},
        "selector": target.selector,
        "confirm": confirm,
        "check": check,
    }


def _attack(target: Target) -> str:
    bare = target.what == NETWORK
    offered = cache.description()["attacks"]
    able = [name for name, facts in offered.items() if not bare or not facts["needs_noise"]]
    preferred = "pgd" if bare else "epgd"
    chosen = st.selectbox(
        "Attack",
        able,
        able.index(preferred),
        format_func=lambda name: f"{name}: {offered[name]['about']}",
        key=f"{PREFIX}_name_{preferred}",
        bind="query-params",
        persist_state="session",
    )
    return preferred if chosen is None else str(chosen)


def _settings(name: str, target: Target) -> dict[str, Any] | None:
    """Every field of the attack but sigma and the class to reach."""
    attack = cache.description()["attacks"][name]
    fields = {field["name"]: field for field in attack["fields"]}
    elsewhere = {"sigma", "target"}
    if target.what == NETWORK:
        elsewhere |= set(_NOISE)
    if attack["gradient_free"]:
        elsewhere |= set(_OF_GRADIENTS)
    if target.what != PIPELINE:
        elsewhere.add("reselect")
    first = [field for field in (*_BUDGET, "reselect") if field in fields]
    first = [field for field in first if field not in elsewhere]
    prefix = f"{PREFIX}_{name}"
    values = _grid([fields[field] for field in first], prefix)
    rest = [field for field in fields.values() if field["name"] not in {*first, *elsewhere}]
    more = form(rest, prefix=prefix, first=(), given=(), title=f"More settings of {name}")
    if values is None or more is None:
        return None
    whole = {field: facts["default"] for field, facts in fields.items()} | values | more
    return {**whole, "draws": 1} if target.what == NETWORK else whole


def _grid(fields: Sequence[dict[str, Any]], prefix: str) -> dict[str, Any] | None:
    """Widgets side by side, row by row, so that a narrow screen keeps their order."""
    values: dict[str, Any] = {}
    sound = True
    for place, field in enumerate(fields):
        if place % _COLUMNS == 0:
            columns = st.columns(_COLUMNS, vertical_alignment="bottom")
        with columns[place % _COLUMNS]:
            own = form([field], prefix=prefix, first=(field["name"],), given=())
        sound = sound and own is not None
        values |= own or {}
    return values if sound else None


def _confirmation(name: str, target: Target, subject: Subject) -> dict[str, Any] | None:
    """How fresh noise is asked; the sidebar's alpha is shared by all PREDICTs of the image."""
    fields = {f["name"]: f for f in cache.description()["forms"]["confirm"]}
    walks = name in SMALLEST and target.what != NETWORK
    changed = _WALK if walks else {}
    asked = ("n", "confirmations", "stretch")
    chosen = [{**fields[f], "default": changed.get(f, fields[f]["default"])} for f in asked]
    values: dict[str, Any] | None = {f["name"]: f["default"] for f in chosen}
    if target.what != NETWORK:
        prefix = f"{PREFIX}_{'walk' if walks else 'confirm'}"
        title = "How fresh noise confirms"
        values = form(chosen, prefix=prefix, first=(), given=(), title=title)
    return None if values is None else {**values, "alpha": subject.alpha}


def _self_check(name: str, target: Target) -> bool:
    """Whether the attack is run beside ones that cannot be masked; for pgd and its kind."""
    fields = [field["name"] for field in cache.description()["attacks"][name]["fields"]]
    if "restarts" not in fields:
        return False
    return bool(
        st.toggle(
            "Check the attack itself",
            key=f"{PREFIX}_check",
            bind="query-params",
            persist_state="session",
            help="Runs it again without a limit, beside an attack without gradients and noise of "
            "the same norm, and warns where something looks masked. Takes about three times as "
            "long.",
        )
    )


_LESSON = (
    "**Stronger attack, smaller number.** A certificate says how far the image can be moved *at "
    "least*; an attack shows how far is *enough*. The true radius lies between, and every better "
    "attack lowers the upper end. So an attack that fails proves nothing: try more steps, more "
    "restarts, more copies per step, or one that needs no gradient. What an attack believes of its "
    "own image does not count either: it was chosen on the attack's noise, so PREDICT is asked "
    "again on noise that nobody has seen."
)


RUN = RunPage(
    name=PREFIX,
    results={PREFIX: AttackTrial},
    noun="attack",
    live=live_attack,
    finished=finished_attack,
    icon=":material/bolt:",
    press="press Start to attack {name}",
    promise="Its losses are drawn while it climbs, and you may pause or cancel it at any time.",
    one_image=("This attack is on", "an attack"),
)


def show(subject: Subject) -> None:
    """Controls, and under them the run of this page, or an invitation to start one."""
    teaching.say(_LESSON)
    with st.container(border=True):
        wanted = RUN.start_row(subject, (subject.image,), attack_config(subject))
    RUN.show(wanted)
