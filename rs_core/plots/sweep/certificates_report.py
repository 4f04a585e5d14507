"""The report of certificates: one image, or a list of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from rs_core.errors import ParameterError
from rs_core.plots.report import Statement, html_report
from rs_core.plots.style import BADGES
from rs_core.plots.sweep.radii import radii_figure
from rs_core.plots.sweep.votes import votes_figure
from rs_core.plots.tables import (
    READING_NOTES,
    certificate_statement,
    certificate_table,
    provenance,
)
from rs_core.results import Certificate, RadiusCurve
from rs_core.statistics import add_risks, ceil_digits

_SPELLED_OUT = 4


def certificates_report(
    certificates: Sequence[Certificate],
    *,
    names: Sequence[str] = (),
    title: str = "Certificates",
    class_names: Sequence[str] = (),
    notes: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
) -> str:
    """A self-contained HTML document: what each certificate claims, votes or radii, numbers.

    Up to four certificates are quoted one by one; more are summed up, one sentence per badge,
    because radii of different guarantees must not be averaged.

    Args:
        certificates: at least one.
        names: one per certificate, file names say; numbers where empty.
        title: plain text.
        class_names: one per class; empty for numbers alone.
        notes: added before the standing ones.
        settings: the configuration; the provenance of the certificates joins it.

    Raises:
        ParameterError: no certificates, mixed norms, or names that do not fit.
    """
    if names and len(names) != len(certificates):
        raise ParameterError(
            f"{len(names)} names for {len(certificates)} certificates: give one name each."
        )
    labels = list(names) or [str(index) for index in range(len(certificates))]
    if len(certificates) == 1:
        only = certificates[0]
        figure = votes_figure(RadiusCurve((only,), only.alpha, simultaneous=False), class_names)
    else:
        figure = radii_figure(certificates)
    return html_report(
        title,
        _statements(certificates, labels),
        [figure],
        [certificate_table("Certificates", "image", labels, certificates, class_names)],
        [*notes, *READING_NOTES],
        settings={**(settings or {}), "certificates": provenance(certificates)},
    )


def _statements(certificates: Sequence[Certificate], labels: Sequence[str]) -> list[Statement]:
    if len(certificates) == 1:
        return [certificate_statement(certificates[0])]
    if len(certificates) <= _SPELLED_OUT:
        pairs = zip(labels, certificates, strict=True)
        return [certificate_statement(c, label) for label, c in pairs]
    found = []
    for badge in BADGES:
        group = [c for c in certificates if c.guarantee == badge]
        if group:
            found.append(Statement(badge, _summary(group)))
    return found


def _summary(group: Sequence[Certificate]) -> str:
    silent = sum(c.predicted is None for c in group)
    worst = max(c.alpha for c in group)
    expected = add_risks(*(c.alpha for c in group))
    # An image at several sigmas has as many certificates.
    repeated = len({c.image_digest for c in group}) < len(group)
    what = "rows" if repeated else "images"
    return (
        f"{len(group) - silent} of {len(group)} {what} certified, {silent} abstain. Each statement "
        f"alone is false with probability at most {ceil_digits(worst, 3)}; at most "
        f"{ceil_digits(expected, 2)} false ones are expected among them all."
    )
