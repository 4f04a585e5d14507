"""Sandwich: a certificate below and an attack above the same unknown radius."""

import streamlit as st

from rs_core.results.sandwich import SandwichStrip
from rs_ui import teaching
from rs_ui.inputs.image_sets import THIS_IMAGE, choose_images
from rs_ui.runs import session
from rs_ui.runs.page import RunPage
from rs_ui.sandwich import form, view
from rs_ui.shell import navigation

MOST_IMAGES = 50
RUN = RunPage(
    name="sandwich",
    results={"sandwich": SandwichStrip},
    noun="sandwich",
    live=view.live,
    finished=view.finished,
    icon=":material/lunch_dining:",
    press="press the button above",
    promise="Both ends move while the copies vote and the attack goes on, and you may pause or "
    "cancel at any time.",
    keeps=True,
)
LESSON = (
    "Truth is between the bars. The certificate says: up to here *no* change of the image can "
    "change the answer. The attack says: from here on *some* change does. The true radius lies in "
    "the hatched gap, and nobody knows where, which is why it is never drawn as a point. A longer "
    "attack moves the upper end down, more noisy copies move the lower end up. If the attack "
    "finds nothing, that is no safety: it was only not found."
)

navigation.guard()
st.title("How robust is this image, really?")
st.write(
    "A certificate is a lower bound and an attack an upper bound on the same unknown number: how "
    "far away the nearest image is that the smoothed classifier answers with another class. Here "
    "both are made for one image, or for a strip of up to 50."
)
teaching.say(LESSON)
subject = session.subject()
if subject is None:
    st.info("Choose an image and a network in the sidebar, then make a sandwich of it here.")
    st.stop()
with st.container(border=True):
    images = choose_images(subject, RUN.name, first=THIS_IMAGE, most=MOST_IMAGES)
    wanted = RUN.start_row(
        subject,
        images.ids if images else None,
        form.settings(subject, RUN.name),
        label=f"Make the sandwich{'' if images and len(images.ids) == 1 else 'es'}",
    )
RUN.show(wanted)
