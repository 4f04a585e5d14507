"""Which selectors are compared, with which settings, and what each may claim."""

from typing import Any

import streamlit as st

from rs_core.plots import BADGES
from rs_core.plots.compare.tables import PROMISES
from rs_ui import teaching
from rs_ui.inputs.fields import form
from rs_ui.inputs.image_sets import fitting_sets
from rs_ui.panels import plain
from rs_ui.runs import cache
from rs_ui.runs.price import price_of
from rs_ui.runs.session import Subject

DEFAULT = ("fixed", "grid", "greedy_grid", "gradient", "multistart")
MOST_METHODS, MOST_LEVELS = 12, 100
_BUNDLED = ("mnist5k", "digits")  # knn reads its reference images without a folder


def choose_methods(subject: Subject, prefix: str) -> list[dict[str, Any]] | None:
    """The methods of a comparison as the task takes them; None while a setting makes no sense."""
    offered = cache.description()["selectors"]
    able = [name for name in offered if name != "knn" or reference_sets(subject)]
    chosen = st.pills(
        "Methods that choose σ",
        able,
        selection_mode="multi",
        default=[name for name in DEFAULT if name in able],
        key=f"{prefix}_methods",
        bind="query-params",
        persist_state="session",
        format_func=spoken,
    )
    _missing(able, list(offered))
    names = [name for name in able if name in chosen]
    if not names:
        st.info("Choose one method at least.")
        return None
    found: list[dict[str, Any]] = []
    sound = True
    for place, name in enumerate(names):
        if place % 2 == 0:  # a row for each two: a narrow screen keeps their order
            columns = st.columns(2)
        with columns[place % 2]:
            rows = _method(name, offered[name], subject, f"{prefix}_{name}")
        sound = sound and rows is not None
        found += rows or []
    if len(found) > MOST_METHODS:
        st.info(f"{len(found)} rows: the limit is {MOST_METHODS}. Take fewer methods.")
        return None
    return found if sound else None


def spoken(name: str) -> str:
    """A selector's name for people."""
    return name.replace("_", " ")


def reference_sets(subject: Subject) -> list[str]:
    """The bundled sets of this network's input size, which the selector knn compares with."""
    return [name for name in fitting_sets(subject) if name in _BUNDLED]


def _method(
    name: str, fields: list[dict[str, Any]], subject: Subject, prefix: str
) -> list[dict[str, Any]] | None:
    """The row of a method, and a second one where every sigma of its range is certified too."""
    guarantee = "global_sigma" if name == "fixed" else "frozen"
    # l1 radii are not comparable with the others: the command line has them.
    fields = [suited(field, subject) for field in fields if field["name"] != "norm"]
    badge = BADGES[cache.description()["guarantees"][guarantee]["badge"]]
    defaults = {f"{prefix}_{f['name']}": f["default"] for f in fields}
    if teaching.hides({**defaults, f"{prefix}_stronger": False}):
        settings: dict[str, Any] | None = {f["name"]: f["default"] for f in fields}
        stronger = ""
    else:
        with st.expander(f"{spoken(name)} · {badge.text}", icon=":material/tune:"):
            st.caption(plain(f"{badge.text}: {PROMISES[guarantee]}"))
            names = [field["name"] for field in fields]
            settings = form(fields, prefix=prefix, first=names, given=())
            stronger = "" if settings is None else _offer_stronger(name, settings, subject, prefix)
    if settings is None:
        return None
    row = {"selector": name, "settings": settings, "guarantee": guarantee}
    return [row, {**row, "guarantee": stronger}] if stronger else [row]


def _offer_stronger(name: str, settings: dict[str, Any], subject: Subject, prefix: str) -> str:
    """The guarantee of a second row of badge A, where there is one and it is switched on."""
    price = price_of(prefix, "select", subject.model, {"selector": name, "settings": settings})
    levels = price.levels
    if price.refusal:  # so is the whole comparison, and it says why
        return ""
    if name == "fixed":
        stronger, words = "cascade", "ask σ first, then its half and its quarter"
    elif name == "knn":
        stronger, words = "sukenik", "certify it as a σ that changes slowly"
    elif not levels:
        st.caption("Its σ may be any number, so no list of σ can be certified beforehand.")
        return ""
    elif levels > MOST_LEVELS:
        st.caption(
            f"Its range holds {levels} σ: up to {MOST_LEVELS} could all be certified, for a second "
            "row of badge A."
        )
        return ""
    else:
        stronger, words = "grid_minimum", f"certify all {levels} σ of its range"
    on = st.toggle(
        f"A second row, {BADGES['A'].text}: {words}",
        key=f"{prefix}_stronger",
        bind="query-params",
        persist_state="session",
        help=plain(f"{stronger.replace('_', ' ')}: {PROMISES[stronger]}"),
    )
    return stronger if on else ""


def suited(field: dict[str, Any], subject: Subject) -> dict[str, Any]:
    """The field, its reference data set among those that fit the network."""
    if field["name"] != "dataset":
        return field
    sets = reference_sets(subject)
    return {**field, "choices": sets, "default": sets[0]}


def _missing(able: list[str], offered: list[str]) -> None:
    """What cannot be compared here, and how to get it."""
    with st.popover("Methods that are not in the list", icon=":material/help:"):
        if "knn" in offered and "knn" not in able:
            st.write(
                "**knn** compares with reference images of the network's input size, and none "
                "comes along for this network: choose one that reads 28 x 28 digits, or use the "
                "command `rs select --selector knn --selector-folder FOLDER`."
            )
        st.write(
            "**A network that reads the image and answers with σ** has to be trained first and "
            "can be compared from Python: `rs_core.selectors.FromNetwork(network=...)`, certified "
            "by `rs_core.guarantees.Dual`, or as published by `PublishedDual`; one that Train "
            "teaches by the recipe dual rs, `SigmaClassifier(network=...)`, by `DualRS`."
        )
        st.write(
            "**Memory and regions** depend on the images that came before, so they have a page "
            "of their own."
        )
