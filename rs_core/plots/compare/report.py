"""The report of a comparison of selectors."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from rs_core.plots.compare.points import by_badge, method_names
from rs_core.plots.compare.repicked import repicked_sigma_figure
from rs_core.plots.compare.slopes import slope_chart
from rs_core.plots.compare.tables import (
    ORACLE_WARNING,
    image_table,
    oracle_table,
    promise,
    score_tables,
)
from rs_core.plots.report import Statement, html_report
from rs_core.plots.tables import READING_NOTES
from rs_core.plots.text import index_text
from rs_core.results.comparison import Comparison
from rs_core.statistics import ceil_digits


def comparison_report(
    comparison: Comparison,
    *,
    title: str = "Selectors compared",
    class_names: Sequence[str] = (),
    more_figures: Sequence[go.Figure] = (),
    notes: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> str:
    """A self-contained HTML document: a statement per method, the slope chart, every number.

    Methods of different badges stand in tables of their own.

    Args:
        comparison: at least one method and one image.
        title: plain text.
        class_names: one per class; empty for numbers alone.
        more_figures: shown after the slope chart.
        notes: added before the standing ones.
        settings: the comparison's configuration.

    Raises:
        ParameterError: no method or no image, or radii in different norms.
    """
    figures = [slope_chart(comparison, class_names), *more_figures]
    if any(method.badge == "C" for method in comparison.methods):
        figures.append(repicked_sigma_figure())
    apart = oracle_table(comparison)
    return html_report(
        title,
        _statements(comparison),
        figures,
        [
            *(table for _, table in score_tables(comparison)),
            *([apart] if apart else []),
            image_table(comparison, tuple(class_names)),
        ],
        [
            f"Index set: {index_text(comparison)}. Scores on other images are not comparable.",
            "Methods of different badges claim different things: their numbers stand apart.",
            *([ORACLE_WARNING] if apart else []),
            *notes,
            *READING_NOTES,
        ],
        settings={**(settings or {}), "indices": list(comparison.indices)},
    )


def _statements(comparison: Comparison) -> list[Statement]:
    names = method_names(comparison.methods)
    found = []
    for badge, indices in by_badge(comparison.methods):
        for i in indices:
            method = comparison.methods[i]
            silent = sum(c.predicted is None for c in method.certificates)
            worst = max((c.alpha for c in method.certificates), default=0.0)
            count = len(method.certificates)
            text = (
                f"{names[i]}: {count - silent} of {count} images certified, {silent} abstain. "
                f"{promise(method.guarantee, method.certificates)} Each statement alone is false "
                f"with probability at most {ceil_digits(worst, 3)} ({method.budget})."
            )
            found.append(Statement(None if silent == count else badge, text))
    return found
