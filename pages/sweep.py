"""Sigma sweep: the certified radius of one image against the noise level."""

import streamlit as st

from rs_core.results import RadiusCurve
from rs_ui.runs import session
from rs_ui.runs.page import RunPage
from rs_ui.shell import navigation
from rs_ui.sweep import form, view

RUN = RunPage(
    name="sweep",
    results={"sweep": RadiusCurve},
    noun="sweep",
    live=view.live,
    finished=view.finished,
    icon=":material/show_chart:",
    press="press Start to draw the radius curve of {name}",
    promise="The curve grows while the noisy copies vote, and you may cancel it at any time.",
    one_image=("This curve is of", "a curve"),
    alone=True,
    lost="Nothing is certified.",
)

navigation.guard()
st.title("Which noise level suits this image?")
st.write(
    "Every noise level σ gives this image another certified radius: too little noise certifies "
    "little, too much drowns the image. The curve shows where the best lies in between."
)
subject = session.subject()
if subject is None:
    st.info("Choose an image and a network in the sidebar, then start a sweep here.")
    st.stop()
with st.container(border=True):
    wanted = RUN.start_row(subject, (subject.image,), form.settings(subject))
RUN.show(wanted)
