"""Train: a network learns to live with noise, and its certified radii are watched growing."""

import streamlit as st

from rs_ui import teaching
from rs_ui.client.worker import WorkerError
from rs_ui.panels import error_box
from rs_ui.runs import session
from rs_ui.runs.history import found_again
from rs_ui.shell import navigation
from rs_ui.train import form, view

LESSON = (
    "Train at the noise you test. A network that never saw noise loses its way in it: the copies "
    "disagree, and nothing is certified. One that learned under noise σ keeps its answer there, so "
    "the radius $\\sigma\\,\\Phi^{-1}(p)$ grows epoch by epoch as the share $p$ of agreeing copies "
    "does. More noise can certify more, but hides more of the image: accuracy without noise falls. "
    "Watch the two curves of accuracy, then start a second training at another σ and compare."
)

navigation.guard()
st.title("How does training with noise change the radii?")
st.write(
    "Choose images, a network and a way of training. After every epoch a few images are certified "
    "with the network as it is then, so you see what it has learned to withstand."
)
teaching.say(LESSON)
form.controls(session.subject())
try:
    found_again(form.PAGE, "trainings")
    job = session.run_id("train")
    if job is None:
        st.info(
            "No training is open here: press Start. It goes on when you close this page, and "
            "is found again here; you may pause or cancel it at any time.",
            icon=":material/model_training:",
        )
        st.stop()
    view.show(job)
except WorkerError as error:
    session.keep_run("train", None)
    error_box(str(error))
