"""What Start shows once several radii of an image were looked at, and the way out: fresh draws."""

import streamlit as st

from rs_core.plots.sweep.looking import reason
from rs_core.results import Certificate, from_json
from rs_ui.runs import run, session
from rs_ui.runs.looks import as_seen
from rs_ui.runs.session import Subject
from rs_ui.runs.status import Status, cost_text


def offer(status: Status, subject: Subject) -> str | None:
    """Why the card has badge C, and a button that certifies its sigma on fresh draws.

    Args:
        status: of the finished run on the page.
        subject: what that was asked about.

    Returns:
        The run on fresh draws, once it was asked for.
    """
    certificate = from_json(Certificate, status.result)
    if as_seen(certificate, status) is certificate:
        return None
    st.write(reason(certificate, status.looks, at_least=status.at_least))
    config = {"sigma": certificate.sigma, "n": certificate.n, "picked": True}
    asked = (subject.image, *subject.settings, certificate.sigma, certificate.n)
    if session.remembered("fresh_draws", (None, None))[0] != asked:
        session.remember("fresh_draws", (asked, None))
    with session.pressed("fresh_pressed") as pressed:
        if pressed:
            begun = run.begin("certify", "start", subject, config)
            session.remember("fresh_draws", (asked, begun))
            if begun is None:
                run.show_refusal("start")
    job: str | None = session.remembered("fresh_draws")[1]
    if job is None:
        st.button(
            f"Certify \u03c3 = {certificate.sigma:g} on fresh draws",
            key="fresh_draws",
            icon=":material/refresh:",
            on_click=session.remember,
            args=("fresh_pressed", True),
        )
        st.caption(f"Price: {cost_text(subject, certificate.draws)}.")
    return job
