"""Which attack with which budget, and how fresh noise is asked: the task's settings."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from rs_core.plots.text import class_text
from rs_core.results import from_json
from rs_core.results.attack_trial import SMALLEST, AttackTrial
from rs_core.statistics import ceil_digits
from rs_ui import teaching
from rs_ui.attack.target import NETWORK, PIPELINE, Target, choose_aim, choose_target
from rs_ui.attack.view import finished_attack, live_attack
from rs_ui.client.worker import WorkerError
from rs_ui.inputs.fields import form
from rs_ui.inputs.subject import is_same, subject_of
from rs_ui.panels import error_box, plain
from rs_ui.runs import cache, changed, run, session
from rs_ui.runs.price import price_of
from rs_ui.runs.run import started
from rs_ui.runs.session import Subject
from rs_ui.runs.status import cost_text

PREFIX = "attack"
_BUDGET = ("norm", "eps", "steps", "restarts", "step_size", "draws", "rounds", "queries", "tries")
_NOISE = ("draws", "expectation", "fresh", "judged")
_OF_GRADIENTS = ("draws", "expectation", "fresh")
_BLIND = ("square", "gaussian")
_NEED_NOISE = ("epgd", "minimal")
_WALK = {"confirmations": 8, "stretch": 0.02}  # what ends on the border is confirmed further out
_COLUMNS = 3
_WORDS = {
    "fgsm": "one step along the gradient",
    "pgd": "steps inside a ball",
    "epgd": "PGD over noisy copies",
    "ddn": "smallest ℓ2 norm",
    "cw": "smallest ℓ2 norm, by Adam",
    "minimal": "smallest norm that flips the vote",
    "square": "without gradients",
    "gaussian": "only noise, to compare with",
}


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
    able = [n for n in cache.description()["attacks"] if not bare or n not in _NEED_NOISE]
    preferred = "pgd" if bare else "epgd"
    chosen = st.selectbox(
        "Attack",
        able,
        able.index(preferred),
        format_func=lambda name: f"{name}: {_WORDS[name]}" if name in _WORDS else name,
        key=f"{PREFIX}_name_{preferred}",
        bind="query-params",
        persist_state="session",
    )
    return preferred if chosen is None else str(chosen)


def _settings(name: str, target: Target) -> dict[str, Any] | None:
    """Every field of the attack but sigma and the class to reach."""
    fields = {field["name"]: field for field in cache.description()["attacks"][name]}
    elsewhere = {"sigma", "target"}
    if target.what == NETWORK:
        elsewhere |= set(_NOISE)
    if name in _BLIND:
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
    fields = [field["name"] for field in cache.description()["attacks"][name]]
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
        price = price_of(PREFIX, _KIND, subject.model, config)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Start the attack",
                key="start_attack",
                type="primary",
                icon=":material/play_arrow:",
                disabled=config is None or bool(price.refusal),
                on_click=session.remember,
                args=("attack_pressed", True),
            )
            if price.passes:
                st.caption(cost_text(subject, price.passes), width="content")
        if price.refusal:
            error_box(price.refusal)
        with session.pressed("attack_pressed") as pressed:
            if pressed and config is not None and not price.refusal:
                _start(subject, config)
        run.show_refusal(PREFIX, subject.image, config, *subject.settings)
    return config


def _start(subject: Subject, config: dict[str, Any]) -> None:
    job = started(_KIND, PREFIX, subject, [subject.image], config)
    if job is not None:
        session.keep_asked(job, subject)
        session.keep_run(PREFIX, job)


def _run(job: str, present: Subject, config: dict[str, Any] | None) -> None:
    note = st.container()
    status = run.watch(job, live_attack, kind=_KIND)
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
        trial = cache.drawn(
            session.owner(), job, "trial", lambda: from_json(AttackTrial, status.result)
        )
        finished_attack(job, status, trial, subject)


def _of_one(about: dict[str, Any]) -> dict[str, Any]:
    """What was asked, in the words of a run of one image."""
    alpha = about["config"]["confirm"]["alpha"]
    one = {"image_id": about["image_ids"][0], "label": about["labels"][0]}
    return {**about, **one, "config": {"alpha": alpha}}
