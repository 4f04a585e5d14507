"""A certificate as whoever has looked at other radii of its image may read it."""

from rs_core.plots.sweep.looking import picked_certificate
from rs_core.results import Certificate
from rs_ui.runs.status import Status


def as_seen(certificate: Certificate, status: Status) -> Certificate:
    """The certificate; with badge C where it may have been picked after looking at others."""
    if certificate.guarantee != "A" or not status.has_looked:
        return certificate
    return picked_certificate(certificate, status.looks, status.risk, at_least=status.at_least)
