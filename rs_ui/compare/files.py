"""A finished comparison as files, built when somebody asks for them."""

import io
import json
from dataclasses import asdict
from typing import Any

from rs_core.logs.comparison import write_comparison
from rs_core.logs.origin import Origin
from rs_core.plots import comparison_report
from rs_core.plots.text import network_text
from rs_core.results import ModelSpec
from rs_core.results.comparison import Comparison
from rs_ui.runs.downloads import file_buttons
from rs_ui.runs.status import Status


def download_comparison(status: Status, comparison: Comparison, spec: ModelSpec) -> None:
    """Buttons for the TSV, the JSON and a report."""
    result, about = status.result, status.about
    file_buttons(
        "rs-compare",
        "download_compare_{}",
        ("TSV", "tsv", lambda: tsv_text(comparison)),
        ("JSON", "json", lambda: json_text(comparison, result)),
        ("Report", "html", lambda: report_text(comparison, spec, about)),
    )


def json_text(comparison: Comparison, result: dict[str, Any]) -> str:
    """The comparison, and with which version it was made of what."""
    origin = Origin.of_page(comparison.dataset)
    return json.dumps({**result, **asdict(origin)}, ensure_ascii=False)


def tsv_text(comparison: Comparison) -> str:
    """A row per method and image: Cohen's columns, ours, and the selector."""
    out = io.StringIO()
    write_comparison(out, comparison, Origin.of_page(comparison.dataset))
    return out.getvalue()


def report_text(comparison: Comparison, spec: ModelSpec, about: dict[str, Any]) -> str:
    """A self-contained HTML report."""
    return comparison_report(
        comparison,
        class_names=spec.class_names,
        notes=[f"Network: {network_text(spec)}."],
        settings={name: about[name] for name in ("model", "seed", "device", "config")},
    )
