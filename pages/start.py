"""Start: one image, many noisy copies, one vote, one radius."""

import streamlit as st

from rs_ui import teaching
from rs_ui.certify import fresh_draws, view
from rs_ui.client.worker import WorkerError
from rs_ui.inputs import presets
from rs_ui.inputs.subject import subject_of
from rs_ui.panels import error_box
from rs_ui.runs import run, session
from rs_ui.shell import navigation

SIGMAS = (0.05, 0.12, 0.25, 0.5, 0.75, 1.0, 1.5)
COPIES = 2000

navigation.guard()
st.title("How far can this image be changed?")
st.write(
    "One image, many noisy copies, one vote. The share of copies that agree certifies a radius: "
    "no change of the image smaller than that can change the answer of the smoothed classifier, "
    "but for the risk that stands beside it."
)
teaching.offer_tour()
subject = session.subject()
if subject is None:
    st.info("Choose an image and a network in the sidebar: its certificate appears here.")
    st.stop()
sigma = st.select_slider(
    "Noise level σ, in pixels of [0,1]",
    SIGMAS,
    value=0.25,
    key="sigma",
    bind="query-params",
    help="How strong the noise on every copy is. More noise can certify a larger radius, until "
    "the network no longer recognises the image.",
)
job = run.begin_once("certify", "start", subject, {"sigma": sigma, "n": COPIES})
run.show_refusal("start")
try:
    if job is not None:
        status = run.watch(job, view.waiting, kind="certify")
        asked = subject_of(job, status.about, subject)
        view.verdict(status, asked)
        if status.state == "finished":
            fresh = fresh_draws.offer(status, asked)
            if fresh is not None:
                st.subheader("On fresh draws")
                again = run.watch(fresh, view.waiting, kind="certify")
                view.verdict(again, asked)
            st.page_link(
                "pages/sweep.py",
                label="Which noise level is best for this image?",
                icon=":material/show_chart:",
            )
            view.evidence(job, status, asked)
            presets.preset_cards()
except WorkerError as error:
    error_box(str(error))
