"""What an attack is aimed at: the network, the smoothed network, or the pipeline; and a class."""

from typing import Any, NamedTuple

import streamlit as st

from rs_core.plots.text import class_text
from rs_ui.inputs.fields import form
from rs_ui.inputs.selectors import reference_sets, spoken
from rs_ui.runs import cache
from rs_ui.runs.session import Subject

NETWORK, SMOOTHED, PIPELINE = "The network itself", "Smoothed at σ", "Pipeline that picks σ"
_ANY = "any other class"
_EXPLAINED = {
    NETWORK: "One answer without noise. Nothing about it can be certified, and an attack on it "
    "says little about the smoothed classifier.",
    SMOOTHED: "The classifier that certificates speak of: the vote of noisy copies at one σ.",
    PIPELINE: "The selector picks σ again for whatever image it is shown, the adversarial one too.",
}


class Target(NamedTuple):
    """What is attacked; `sound` is False while a setting makes no sense."""

    what: str
    sigma: float | None
    selector: dict[str, Any] | None
    sound: bool


def choose_target(subject: Subject, prefix: str) -> Target:
    """The network itself, the smoothed network at a sigma, or the pipeline with a selector."""
    what = st.segmented_control(
        "What is attacked",
        (NETWORK, SMOOTHED, PIPELINE),
        default=SMOOTHED,
        required=True,
        key=f"{prefix}_what",
        bind="query-params",
        persist_state="session",
    )
    what = SMOOTHED if what is None else str(what)
    st.caption(_EXPLAINED[what])
    if what == NETWORK:
        return Target(what, None, None, True)
    if what == PIPELINE:
        selector = _selector(subject, prefix)
        return Target(what, None, selector, selector is not None)
    fields = cache.description()["attacks"]["epgd"]["fields"]
    (field,) = (field for field in fields if field["name"] == "sigma")
    field = {**field, "help": "noise level σ that is voted at"}
    values = form([field], prefix=prefix, first=("sigma",), given=())
    return Target(what, values["sigma"] if values else None, None, values is not None)


def choose_aim(subject: Subject, prefix: str) -> int | None:
    """The class to reach; None for any other than the label."""
    names = subject.class_names
    aims = [_ANY, *(class_text(k, names) for k in range(len(names)))]
    chosen = st.selectbox(
        "Class to reach", aims, key=f"{prefix}_class", bind="query-params", persist_state="session"
    )
    return aims.index(chosen) - 1 if chosen in aims[1:] else None


def _selector(subject: Subject, prefix: str) -> dict[str, Any] | None:
    offered = cache.description()["selectors"]
    sets = reference_sets(subject)
    # With a fixed sigma the pipeline is the smoothed network.
    able = [name for name in offered if name != "fixed" and (name != "knn" or sets)]
    name = st.selectbox(
        "Selector that picks σ",
        able,
        able.index("multistart") if "multistart" in able else 0,
        format_func=spoken,
        key=f"{prefix}_selector",
        bind="query-params",
        persist_state="session",
    )
    # Attacks draw Gaussian noise, so radii and picks are l2.
    fields = [f for f in offered[name] if f["name"] != "norm"]
    fields = [
        {**f, "choices": sets, "default": sets[0]} if f["name"] == "dataset" else f for f in fields
    ]
    title = f"Settings of {spoken(name)}"
    values = form(fields, prefix=f"{prefix}_{name}", first=(), given=(), title=title)
    return None if values is None else {"selector": name, "settings": values}
