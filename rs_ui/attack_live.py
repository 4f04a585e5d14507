"""An attack under way on its page: what it does, how near it is, what it has climbed."""

import streamlit as st

from rs_core.plots import loss_figure
from rs_core.plots.attack.text import NORMS, norm_text
from rs_ui.curves import chart
from rs_ui.ended import without_result
from rs_ui.panels import plain
from rs_ui.status import Status


def live_attack(status: Status) -> None:
    """Phase, nearest image and losses so far; or why nothing came of it."""
    if without_result(status):
        return
    step = status.step or {}
    norm = NORMS[status.about["config"]["settings"].get("norm", "l2")]
    words = [str(step["phase"])] if step.get("phase") else []
    if step.get("nearest") is not None:
        words.append(
            f"nearest image that its own copies call adversarial: {norm} "
            f"{norm_text(step['nearest'])} (an opinion, until fresh noise confirms it)"
        )
    st.caption(plain(" · ".join(words)) if words else "Waiting for the first step")
    losses = [float("nan") if value is None else value for value in step.get("losses", ())]
    if losses:
        chart(loss_figure(losses, every=step["every"], live=True), "live_losses")
    elif step.get("phase"):
        st.caption("This attack follows no gradient: what it finds is shown at its end.")
    else:
        st.skeleton(height=340)
