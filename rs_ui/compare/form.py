"""The settings of a comparison: methods, copies, radius curves."""

from typing import Any

import streamlit as st

from rs_ui.inputs.fields import form
from rs_ui.inputs.selectors import choose_methods
from rs_ui.runs import cache
from rs_ui.runs.session import Subject

_PAGE = "compare"
_FEWER = 1000  # copies per certificate at first: many images make many certificates


def settings(subject: Subject) -> dict[str, Any] | None:
    """The task's settings; None while one makes no sense."""
    methods = choose_methods(subject, _PAGE)
    forms = cache.description()["forms"]
    fields = [{**f, "default": _FEWER} if f["name"] == "n" else f for f in forms["certify"]]
    draws = form(fields, prefix=_PAGE, first=("n",), given=("alpha", "sigma", "picked"))
    wanted = st.toggle(
        "Radius curves of every image, for the oracle",
        True,
        key=f"{_PAGE}_curves",
        bind="query-params",
        persist_state="session",
    )
    levels: dict[str, Any] | None = {"sigmas": ()}
    if wanted:
        fields = [f for f in forms["sweep"] if f["name"] == "sigmas"]
        levels = form(fields, prefix=_PAGE, first=("sigmas",), given=())
    if methods is None or draws is None or levels is None:
        return None
    sigmas = list(levels["sigmas"])
    return {"methods": methods, **draws, "sigmas": sigmas, "alpha": subject.alpha}
