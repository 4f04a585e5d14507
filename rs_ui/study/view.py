"""A study under way and finished: its figures, its numbers, its files."""

import io
import json
from dataclasses import asdict
from typing import Any

import streamlit as st

from rs_core.logs.origin import Origin
from rs_core.logs.study import write_study
from rs_core.plots import BADGES, study_figures, study_report
from rs_core.plots.study.report import study_statement, study_table
from rs_core.plots.study.text import STUDY_NOTES
from rs_core.results import from_json
from rs_core.results.study import FrontierStudy, NoiseStudy, StrengthStudy, Study
from rs_ui.panels import badge_html, chart, plain, table_of
from rs_ui.runs import cache, session
from rs_ui.runs.downloads import file_buttons
from rs_ui.runs.page import FinishedRun
from rs_ui.runs.status import Status, duration

TITLES = {
    "study_noise": "Noise strength",
    "study_strength": "Attack strength",
    "study_frontier": "Clean against robust",
}
RESULTS: dict[str, type[Study]] = {
    "study_noise": NoiseStudy,
    "study_strength": StrengthStudy,
    "study_frontier": FrontierStudy,
}


def live(status: Status) -> None:
    """The curves so far."""
    step = status.step or {}
    if step.get("phase"):
        st.caption(plain(str(step["phase"])))
    if not step.get("partial") or not step["partial"]["points"]:
        st.skeleton(height=460)
        return
    study = from_json(RESULTS[status.about["kind"]], step["partial"])
    for number, figure in enumerate(study_figures(study)):
        chart(figure, f"study_live_{number}")


def finished(done: FinishedRun[Study]) -> None:
    """What may be said, the figures, every number, the files."""
    job, status, study = done.job, done.status, done.result
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
    file_buttons(
        f"rs-{status.about['kind'].replace('_', '-')}",
        "download_study_{}",
        ("TSV", "tsv", lambda: tsv_text(study)),
        ("JSON", "json", lambda: json_text(status, study)),
        ("Report", "html", lambda: report_text(study, status.about)),
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
