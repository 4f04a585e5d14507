"""A finished curve as files, built when somebody asks for them."""

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import streamlit as st

from rs_core.evaluation import row_from_certificate, write_log
from rs_core.plots import noisy_copies_figure, sweep_report
from rs_core.plots.wording import class_text, network_text
from rs_core.results import RadiusCurve
from rs_ui.session import Subject

_COLUMNS = (
    "sigma", "predicted", "class", "radius", "p_lower", "n_top", "n0", "n", "alpha", "bound",
    "guarantee", "draws", "seed", "source",
)  # fmt: skip


def download_row(
    curve: RadiusCurve, result: Any, subject: Subject, seconds: float, copies: Callable[[], Any]
) -> None:
    """Buttons for CSV, Cohen's TSV, JSON as `rs sweep --json` prints it, and a report."""
    stem = "rs-sweep-" + (re.sub(r"[^A-Za-z0-9_-]+", "-", subject.name).strip("-")[:40] or "image")
    files: list[tuple[str, str, str, Callable[[], str]]] = [
        ("CSV", "csv", "text/csv", lambda: csv_text(curve, subject.class_names)),
        (
            "TSV",
            "tsv",
            "text/tab-separated-values",
            lambda: tsv_text(curve, subject.label, seconds),
        ),
        ("JSON", "json", "application/json", lambda: json.dumps(result, ensure_ascii=False)),
        ("Report", "html", "text/html", lambda: report_text(curve, subject, copies())),
    ]
    with st.container(horizontal=True):
        for label, ending, mime, build in files:
            st.download_button(
                label,
                data=build,
                file_name=f"{stem}.{ending}",
                mime=mime,
                key=f"download_{ending}",
                on_click="ignore",
                icon=":material/download:",
            )


def csv_text(curve: RadiusCurve, names: tuple[str, ...]) -> str:
    """One row per certificate, the best one on fresh draws last; numbers in full precision."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    rows = [(c, "grid") for c in curve.certificates]
    if curve.best is not None:
        rows.append((curve.best, "best, fresh draws"))
    for c, source in rows:
        said = "abstains" if c.predicted is None else class_text(c.predicted, names)
        known = {"class": said, "source": source}
        writer.writerow([known[n] if n in known else getattr(c, n) for n in _COLUMNS])
    return out.getvalue()


def tsv_text(curve: RadiusCurve, label: int | None, seconds: float) -> str:
    """The grid's certificates as a certification log, as `rs sweep --tsv` writes it."""
    out = io.StringIO()
    share = seconds / len(curve.certificates)
    write_log(out, [row_from_certificate(0, label, c, share) for c in curve.certificates])
    return out.getvalue()


def report_text(curve: RadiusCurve, subject: Subject, copies: Any) -> str:
    """A self-contained HTML report, with the noisy copies."""
    sigmas = [c.sigma for c in curve.certificates]
    return sweep_report(
        curve,
        title=f"{subject.name}: certified radius against noise level",
        class_names=subject.class_names,
        more_figures=[noisy_copies_figure(subject.pixels, sigmas, copies)],
        notes=[f"Network: {network_text(subject.spec)}.", *(f"Image: {n}." for n in subject.notes)],
        settings={
            "model": network_text(subject.spec),
            "seed": subject.seed,
            "device": subject.device,
        },
    )
