"""Compare selectors: several ways of choosing sigma on the same images, badge by badge."""

import streamlit as st

from rs_ui.client.worker import WorkerError
from rs_ui.compare import form, view
from rs_ui.compare.files import download_comparison
from rs_ui.compare.image import images
from rs_ui.inputs.models import spec_of
from rs_ui.panels import error_box
from rs_ui.runs import session
from rs_ui.shell import navigation

navigation.guard()
st.title("Who picks the noise level best?")
st.write(
    "Each method chooses a noise level σ for each image, and a certificate is made at it on fresh "
    "copies. What the certificate claims depends on how σ was chosen, so methods stand under "
    "their badge, and only methods of one badge can be compared."
)
subject = session.subject()
if subject is None:
    st.info("Choose a network in the sidebar, then images and methods here.")
    st.stop()
wanted = form.controls(subject)
view.counterexample()
job = session.run_id("compare")
if job is None:
    st.info(
        "No comparison yet: press Start. The table grows method by method, and you may pause or "
        "cancel at any time.",
        icon=":material/compare_arrows:",
    )
    st.stop()
try:
    done = form.watched(job, wanted)
    if done is not None:
        spec = spec_of(done.status.about["model"])
        view.scores(job, done.status, done.result, spec)
        download_comparison(done.status, done.result, spec)
        images(job, done.status.about["image_ids"], done.result, spec)
except WorkerError as error:
    session.keep_run("compare", None)
    error_box(str(error))
