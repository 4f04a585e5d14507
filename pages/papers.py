"""Papers: their tables repeated, beside what they published, with a verdict on every claim."""

import streamlit as st

from rs_ui import teaching
from rs_ui.client.worker import WorkerError
from rs_ui.panels import error_box
from rs_ui.papers import form, view
from rs_ui.papers.studies import show_studies
from rs_ui.runs import session
from rs_ui.runs.history import found_again
from rs_ui.shell import navigation

LOOK, REPEAT = "Studies that come along", "Repeat a table here"
LESSON = (
    "A number in a paper hangs on the images, on the network and on how many copies voted. So a "
    "claim is not checked by comparing two printed numbers, but by running both sides on *the same "
    "images*: for each image one difference, then their mean $D$ and a margin $m$ that says how "
    "far chance alone could move it. $D > m$: it held. $D < -m$: it did not. Else nobody can "
    "tell from so few images, and saying so is a result, too."
)

navigation.guard()
st.title("Do the papers' claims hold here?")
st.write(
    "Tables of the papers behind RS Lab, trained and certified again, each row beside the "
    "published one and each claim with a verdict by a rule that was fixed before the run."
)
teaching.say(LESSON)
part = st.segmented_control(
    "Show",
    (LOOK, REPEAT),
    default=REPEAT if session.run_id(form.PAGE) else LOOK,
    required=True,
    key="papers_part",
    bind="query-params",
    persist_state="session",
    label_visibility="collapsed",
)
if part == LOOK:
    show_studies()
    st.stop()
try:
    form.controls(session.subject())
    found_again(form.PAGE, "repeated tables")
    job = session.run_id(form.PAGE)
    if job is None:
        st.info(
            "No table is repeated here yet: press the button above. It goes on when you close this "
            "page, keeps every finished image, and is found again here.",
            icon=":material/menu_book:",
        )
        st.stop()
    view.show(job)
except WorkerError as error:
    session.keep_run(form.PAGE, None)
    error_box(str(error))
