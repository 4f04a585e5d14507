"""Sigma sweep: the certified radius of one image against the noise level."""

import streamlit as st

from rs_ui.client.worker import WorkerError
from rs_ui.panels import error_box
from rs_ui.runs import session
from rs_ui.shell import navigation
from rs_ui.sweep import form

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
config = form.controls(subject)
job = session.run_id("sweep")
if job is None:
    form.invitation(subject)
    st.stop()
try:
    form.show(job, subject, config)
except WorkerError as error:
    session.keep_run("sweep", None)
    error_box(str(error))
