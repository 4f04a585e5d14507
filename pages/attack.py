"""Attack lab: what breaks an image, confirmed on fresh noise."""

from collections.abc import Callable

import streamlit as st

from rs_ui.attack import form as attack_form
from rs_ui.runs import session
from rs_ui.runs.session import Subject
from rs_ui.shell import navigation
from rs_ui.study import form as study_form

PARTS: dict[str, Callable[[Subject], None]] = {
    "One image": attack_form.show,
    "On a set": study_form.show,
}

navigation.guard()
st.title("What breaks it?")
st.write(
    "A certificate of the smoothed network is a lower end: closer than its radius nothing changes "
    "the answer, except with probability α. An attack is an upper end: it looks for a change that "
    "does, and it counts once fresh noise confirms it."
)
subject = session.subject()
if subject is None:
    st.info("Choose an image and a network in the sidebar, then attack it here.")
    st.stop()
part = st.segmented_control(
    "What is looked at",
    list(PARTS),
    default=next(iter(PARTS)),
    required=True,
    key="attack_part",
    bind="query-params",
    label_visibility="collapsed",
)
PARTS[part](subject)
