"""A finished curve as files, built when somebody asks for them."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from rs_core.logs import Origin, row_from_certificate, write_log
from rs_core.logs.tables import text_cell
from rs_core.plots import noisy_copies_figure, sweep_report
from rs_core.plots.text import class_text, network_text
from rs_core.results import RadiusCurve
from rs_ui.runs.downloads import file_buttons, stem_of
from rs_ui.runs.session import Subject
from rs_ui.runs.status import Status

_COLUMNS = (
    "sigma", "predicted", "class", "radius", "p_lower", "n_top", "n0", "n", "alpha", "bound",
    "level", "guarantee", "draws", "noise", "seed", "device", "precision", "weights_id",
    "image_digest", "idx", "dataset", "split", "name", "version", "command", "source",
)  # fmt: skip


def download_sweep(
    curve: RadiusCurve, status: Status, subject: Subject, copies: Callable[[], Any]
) -> None:
    """Buttons for CSV, Cohen's TSV, JSON as `rs sweep --json` prints it, and a report."""
    file_buttons(
        f"rs-sweep-{stem_of(subject.name)}",
        "download_{}",
        ("CSV", "csv", lambda: csv_text(curve, subject, status.about)),
        ("TSV", "tsv", lambda: tsv_text(curve, subject, status)),
        ("JSON", "json", lambda: json_text(subject, status)),
        ("Report", "html", lambda: report_text(curve, subject, copies())),
    )


def json_text(subject: Subject, status: Status) -> str:
    """As `rs sweep --json` prints it."""
    index, origin = _place(status.about)
    about = {"name": subject.name, "index": index, "label": subject.label}
    return json.dumps({**status.result, **about, **asdict(origin)}, ensure_ascii=False)


def _place(about: dict[str, Any]) -> tuple[int, Origin]:
    """Where a run's image comes from; runs of earlier versions do not say."""
    place = about.get("origin") or {}
    return int(place.get("index", 0)), Origin.of_page(place.get("dataset", ""))


def csv_text(curve: RadiusCurve, subject: Subject, about: dict[str, Any]) -> str:
    """One row per certificate, the best one on fresh draws last; numbers in full precision."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    index, origin = _place(about)
    rows = [(c, "grid") for c in curve.certificates]
    if curve.best is not None:
        rows.append((curve.best, "best, fresh draws"))
    for c, source in rows:
        said = "abstains" if c.predicted is None else class_text(c.predicted, subject.class_names)
        words = {"class": said, "source": source, "name": subject.name, **asdict(origin)}
        known = {"idx": index, **{column: text_cell(word) for column, word in words.items()}}
        writer.writerow([known[n] if n in known else getattr(c, n) for n in _COLUMNS])
    return out.getvalue()


def tsv_text(curve: RadiusCurve, subject: Subject, status: Status) -> str:
    """The grid's certificates as a certification log, as `rs sweep --tsv` writes it."""
    out = io.StringIO()
    share, (index, origin) = status.seconds / len(curve.certificates), _place(status.about)
    rows = [
        row_from_certificate(index, subject.label, c, share, name=subject.name, origin=origin)
        for c in curve.certificates
    ]
    write_log(out, rows)
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
