"""A study under way and finished: its figures, its numbers, its files."""

import io
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NamedTuple

import streamlit as st

from rs_core.logs.origin import Origin
from rs_core.logs.study import write_study
from rs_core.plots import BADGES, study_figures, study_report
from rs_core.plots.study.report import study_statement, study_table
from rs_core.plots.study.text import STUDY_NOTES
from rs_core.results import from_json
from rs_core.results.study import FrontierStudy, NoiseStudy, StrengthStudy, Study
from rs_ui.client.worker import WorkerError
from rs_ui.panels import badge_html, chart, plain, table_of
from rs_ui.runs import cache, changed, run, session
from rs_ui.runs.changed import RunRequest
from rs_ui.runs.ended import without_result
from rs_ui.runs.status import Status, duration


class Kind(NamedTuple):
    """A kind of study: its name for people, and what comes back."""

    title: str
    result: type[NoiseStudy] | type[StrengthStudy] | type[FrontierStudy]


KINDS = {
    "study_noise": Kind("Noise strength", NoiseStudy),
    "study_strength": Kind("Attack strength", StrengthStudy),
    "study_frontier": Kind("Clean against robust", FrontierStudy),
}


def watch_study(job: str, chosen: str, wanted: RunRequest | None) -> None:
    """The run, live until it ends, then finished.

    A note says where a study of the chosen kind is not what the controls want.

    Raises:
        WorkerError: this browser has no such study, or the worker cannot be reached.
    """
    kind = run.follow(job).about["kind"]
    if kind not in KINDS:
        raise WorkerError("run not found: the address names a run of another kind, no study.")
    note = st.container()
    status = run.watch(job, _draw, kind=kind)
    with note:
        changed.say(wanted if kind == chosen else None, status.about)
    if status.state == "finished":
        finished(job, status, from_json(KINDS[kind].result, status.result))


def _draw(status: Status) -> None:
    if without_result(status):
        return
    step = status.step or {}
    if step.get("phase"):
        st.caption(plain(str(step["phase"])))
    if not step.get("partial") or not step["partial"]["points"]:
        st.skeleton(height=460)
        return
    study = from_json(KINDS[status.about["kind"]].result, step["partial"])
    for number, figure in enumerate(study_figures(study)):
        chart(figure, f"study_live_{number}")


def finished(job: str, status: Status, study: Study) -> None:
    """What may be said, the figures, every number, the files."""
    badge = BADGES["D"]
    st.html(
        '<div style="display:flex; gap:8px; align-items:center; font-weight:600">'
        f"{badge_html(badge)}{badge.text}</div>"
    )
    st.write(plain(study_statement(study)))
    st.caption(f"seed {study.about.seed} · {duration(status.seconds)}")
    figures = cache.drawn(session.owner(), job, "study", lambda: study_figures(study))
    for number, figure in enumerate(figures):
        chart(figure, f"study_{job}_{number}")
    table = study_table(study)
    with st.expander("Every number, and how to read it", icon=":material/table:"):
        st.caption(plain(table.caption))
        table_of(table)
        for note in (*study.about.notes, *STUDY_NOTES):
            st.caption(plain(note))
    _downloads(status, study)


def _downloads(status: Status, study: Study) -> None:
    files: list[tuple[str, str, str, Callable[[], str]]] = [
        ("TSV", "tsv", "text/tab-separated-values", lambda: tsv_text(study)),
        ("JSON", "json", "application/json", lambda: json_text(status, study)),
        ("Report", "html", "text/html", lambda: report_text(study, status.about)),
    ]
    with st.container(horizontal=True):
        for label, ending, mime, build in files:
            st.download_button(
                label,
                data=build,
                file_name=f"rs-{status.about['kind'].replace('_', '-')}.{ending}",
                mime=mime,
                key=f"download_study_{ending}",
                on_click="ignore",
                icon=":material/download:",
            )


def json_text(status: Status, study: Study) -> str:
    """As `rs study --json` prints it."""
    return json.dumps({**status.result, **asdict(Origin.of_page(study.about.dataset))})


def tsv_text(study: Study) -> str:
    """A row per point."""
    out = io.StringIO()
    write_study(out, study, Origin.of_page(study.about.dataset))
    return out.getvalue()


def report_text(study: Study, about: dict[str, Any]) -> str:
    """A self-contained HTML report."""
    settings = {name: about[name] for name in ("model", "device", "config")}
    return study_report(study, settings=settings)
