"""The comparison on its page: images, methods, start, the table that grows, the finished one."""

import math
from typing import Any

import streamlit as st

from rs_core.plots.compare.tables import live_tables
from rs_core.results.comparison import Comparison, MethodScore
from rs_ui.compare.view import badge_table
from rs_ui.inputs.fields import form
from rs_ui.inputs.image_sets import choose_images, count_text
from rs_ui.inputs.selectors import choose_methods
from rs_ui.panels import error_box, plain
from rs_ui.runs import cache, ended, run, session
from rs_ui.runs.changed import RunRequest
from rs_ui.runs.ended import FinishedRun, without_result
from rs_ui.runs.price import price_of_run
from rs_ui.runs.run import started
from rs_ui.runs.session import Subject
from rs_ui.runs.status import Status, cost_text

_PAGE = "compare"
_FEWER = 1000  # copies per certificate at first: many images make many certificates


def controls(subject: Subject) -> RunRequest | None:
    """Images, methods, what they cost, and Start; what that would start, if anything."""
    with st.container(border=True):
        images = choose_images(subject, _PAGE)
        methods = choose_methods(subject, _PAGE)
        config = _config(methods)
        wanted = None
        if images is not None and config is not None:
            wanted = RunRequest(subject, images.ids, {**config, "alpha": subject.alpha})
        price = price_of_run(_PAGE, wanted)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Start the comparison",
                key="start_compare",
                type="primary",
                icon=":material/play_arrow:",
                disabled=wanted is None or bool(price.refusal),
                on_click=session.remember,
                args=("compare_pressed", True),
            )
            if wanted is not None and price.passes:
                cost = cost_text(subject, price.passes)
                st.caption(f"{count_text(len(wanted.images))}: at most {cost}", width="content")
        if price.refusal:
            error_box(price.refusal)
        with session.pressed("compare_pressed") as pressed:
            if pressed and wanted is not None and not price.refusal:
                _start(wanted)
        run.show_refusal(_PAGE, images, config, *subject.settings)
    return wanted


def _config(methods: list[dict[str, Any]] | None) -> dict[str, Any] | None:
    """The task's settings; None while one makes no sense."""
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
    return {"methods": methods, **draws, "sigmas": list(levels["sigmas"])}


def _start(wanted: RunRequest) -> None:
    job = started("compare", _PAGE, wanted.subject, wanted.images, wanted.config)
    if job is not None:
        session.keep_run(_PAGE, job)


def watched(job: str, wanted: RunRequest | None) -> FinishedRun[Comparison] | None:
    """The finished run; None while it is under way or without a result, which is drawn here.

    A note says where it is not what the controls want.

    Raises:
        WorkerError: this browser has no such comparison, or the worker cannot be reached.
    """
    return ended.watched(job, _draw, kind=_PAGE, result=Comparison, wanted=wanted)


def _draw(status: Status) -> None:
    if without_result(status):
        return
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
