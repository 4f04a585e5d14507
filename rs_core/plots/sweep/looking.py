"""What may be said of a certificate that was picked after looking at others of the same image."""

from dataclasses import replace

from rs_core.caveats import frozen_caveat
from rs_core.results import Certificate, Norm
from rs_core.statistics import ceil_digits

_RISK = "P(this statement is false)"
_BETWEEN = " \u00b7 "
_BADGE_A = "Badge A says that the noise level was fixed before anybody looked."


def picked_certificate(
    certificate: Certificate, looks: int, risk: float, *, at_least: bool = False
) -> Certificate:
    """The certificate with badge C: its sentence has the risk of the best of all looks, and what
    badge C does not cover.

    Args:
        certificate: made with badge A, for a noise level fixed beforehand.
        looks: at how many noise levels and seeds radii of its image and network were looked at.
        risk: the sum of the risks of all that was said of them.
        at_least: whether a count was lost, so that there may have been more.
    """
    norm: Norm = "l1" if certificate.norm == "l1" else "l2"
    claim = (_claim(looks, risk, at_least), frozen_caveat(certificate.sigma, norm))
    parts = certificate.statement.split(_BETWEEN)
    kept = [part for part in parts if not part.startswith(_RISK)]
    place = next((i for i, part in enumerate(parts) if part.startswith(_RISK)), 0)
    sentence = certificate.statement
    if certificate.predicted is not None:
        sentence = _BETWEEN.join([*kept[:place], *claim, *kept[place:]])
    return replace(certificate, guarantee="C", statement=sentence)


def reason(certificate: Certificate, looks: int, *, at_least: bool = False) -> str:
    """Why a certificate is shown with badge C, and what a fresh one would mend."""
    seen = (
        "The file that counts what you looked at was damaged or lost, so nobody can say that"
        if at_least
        else f"You have looked at {looks} noise levels or seeds of this image with this network: "
        f"the largest of {looks} radii errs more often than each. For example, the best of 12 "
        "independent ones at alpha 0.05 is false in up to 46 % of all cases."
    )
    end = "." if at_least else ""
    return (
        f"{_BADGE_A} {seen}{end} On fresh draws, which nobody has looked at, \u03c3 = "
        f"{certificate.sigma:g} is certified at alpha = {ceil_digits(certificate.alpha, 6)} again, "
        "held at that \u03c3 (badge C)."
    )


def _claim(looks: int, risk: float, at_least: bool) -> str:
    if at_least:
        return "picked after looking: how many were looked at is lost, so no risk can be named"
    shown = ceil_digits(risk, 3)
    one = f"one of {looks} looks at noise levels and seeds"
    if float(shown) >= 1:
        return f"{one}: nothing is claimed of the largest radius among them"
    return f"{one}: P(the largest radius among them is false) \u2264 {shown}"
