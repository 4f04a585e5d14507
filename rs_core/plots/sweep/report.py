"""The report of a sigma sweep."""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from rs_core.plots.radius_curve import radius_figure
from rs_core.plots.report import Statement, html_report
from rs_core.plots.sweep.votes import votes_figure
from rs_core.plots.tables import (
    READING_NOTES,
    certificate_statement,
    certificate_table,
    provenance,
)
from rs_core.plots.text import chance_text
from rs_core.results import RadiusCurve


def sweep_report(
    curve: RadiusCurve,
    *,
    title: str = "Sigma sweep",
    class_names: Sequence[str] = (),
    more_figures: Sequence[go.Figure] = (),
    notes: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> str:
    """A self-contained HTML document: what the curve claims, its figures, its numbers.

    Args:
        curve: at least one certificate.
        title: plain text, a file name perhaps.
        class_names: one per class; empty for numbers alone.
        more_figures: shown after the curve and the votes, e.g. the noisy copies.
        notes: added before the standing ones.
        settings: the sweep's configuration; the provenance of the certificates joins it.

    Raises:
        ParameterError: no certificates, radii in different norms, or names that do not fit.
    """
    figures = [
        radius_figure(curve, class_names=class_names),
        votes_figure(curve, class_names),
        *more_figures,
    ]
    rows = [*curve.certificates, *([curve.best] if curve.best else [])]
    labels = ["grid"] * len(curve.certificates) + ["best, fresh draws"] * bool(curve.best)
    return html_report(
        title,
        _statements(curve),
        figures,
        [certificate_table("Certificates, ascending sigma", "source", labels, rows, class_names)],
        [*notes, *READING_NOTES],
        settings={**(settings or {}), "certificates": provenance(rows)},
    )


def _statements(curve: RadiusCurve) -> list[Statement]:
    points, chance = curve.certificates, chance_text(curve.alpha)
    silent = sum(c.predicted is None for c in points)
    if silent == len(points):
        return [Statement(None, f"All {silent} noise levels of the curve abstain.")]
    abstaining = f"{silent} of {len(points)} noise levels abstain." if silent else ""
    if curve.simultaneous:
        text = (
            f"Simultaneous: all {len(points)} radii of the curve hold together with probability "
            f"at least {chance} (each pays alpha/{len(points)}). {abstaining}"
        )
    else:
        text = (
            f"Pointwise: each radius of the curve alone holds with probability at least {chance}; "
            f"the highest one, picked afterwards, does not. {abstaining}"
        )
    weakest = max(points, key=lambda c: c.guarantee)
    found = [Statement(weakest.guarantee, text)]
    if curve.best:
        found.insert(0, certificate_statement(curve.best))
    return found
