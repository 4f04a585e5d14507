"""Compare selectors: several ways of choosing sigma on the same images, badge by badge."""

import streamlit as st

from rs_core.results.comparison import Comparison
from rs_ui.compare import form, view
from rs_ui.inputs.image_sets import choose_images
from rs_ui.runs import session
from rs_ui.runs.page import RunPage
from rs_ui.shell import navigation

RUN = RunPage(
    name="compare",
    results={"compare": Comparison},
    noun="comparison",
    live=view.live,
    finished=view.finished,
    icon=":material/compare_arrows:",
    promise="The table grows method by method, and you may pause or cancel at any time.",
    keeps=True,
)

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
with st.container(border=True):
    images = choose_images(subject, RUN.name)
    wanted = RUN.start_row(subject, images.ids if images else None, form.settings(subject))
view.counterexample()
RUN.show(wanted)
