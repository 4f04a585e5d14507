"""Sandwich: a certificate below and an attack above the same unknown radius."""

import streamlit as st

from rs_ui import teaching
from rs_ui.client.worker import WorkerError
from rs_ui.inputs.models import spec_of
from rs_ui.panels import error_box
from rs_ui.runs import session
from rs_ui.sandwich import form, view
from rs_ui.sandwich.files import download_sandwich
from rs_ui.sandwich.image import images
from rs_ui.shell import navigation

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
wanted = form.controls(subject)
job = session.run_id(form.PAGE)
if job is None:
    st.info(
        "No sandwich yet: press the button above. Both ends move while the copies vote and the "
        "attack goes on, and you may pause or cancel at any time.",
        icon=":material/lunch_dining:",
    )
    st.stop()
try:
    done = form.watched(job, wanted)
    if done is not None:
        spec = spec_of(done.status.about["model"])
        view.crossings(done.status, done.result)
        view.overview(job, done.status, done.result, spec)
        download_sandwich(done.status, done.result, spec)
        images(job, done.status.about["image_ids"], done.result, spec)
except WorkerError as error:
    session.keep_run(form.PAGE, None)
    error_box(str(error))
