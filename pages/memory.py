"""Memory and regions: which balls can stand side by side, and what the order changes."""

import streamlit as st

from rs_ui import teaching
from rs_ui.client.worker import WorkerError
from rs_ui.memory import add, balls, certify, freeze, order
from rs_ui.memory.points import lineup_of, points_text
from rs_ui.memory.world import choose_world
from rs_ui.panels import error_box
from rs_ui.runs import session
from rs_ui.shell import navigation

LESSON = (
    "If every image may pick its own σ, an attacker may move the image to where another σ is "
    "picked. A way out: whoever comes first owns a ball, and every later query inside it gets the "
    "owner's answer. Then no two balls of different classes may meet, so a point that comes late "
    "is *cut* by its neighbours, or lies inside one of them and *inherits* its label. That is why "
    "the order matters, and why a linear programme that knows all points beforehand can do better."
)

navigation.guard()
st.title("Which balls can stand side by side?")
st.write(
    "Each point certifies a ball of its own. A memory keeps every answer that it gave, and regions "
    "divide the space beforehand: both must cut balls of different classes until none of them "
    "meet. The order decides who gives way."
)
teaching.say(LESSON)
world = choose_world(session.subject())
if world is None:
    st.stop()
add.gather(world, session.subject())
with st.container(border=True):
    config = certify.settings(world)
    certify.certify(world, config)
try:
    mapped = certify.found(world, config)
    if not lineup_of(world.key).came:
        st.info(
            f"No point yet: add {'one' if world.plane else 'this image'}, or a batch, then "
            "certify them.",
            icon=":material/scatter_plot:",
        )
        st.stop()
    order.line_up(world, mapped)
    if mapped is None:
        st.info("Certify the points to see their balls.")
        st.stop()
    shown = mapped.order(lineup_of(world.key).order)
    waiting = len(lineup_of(world.key).order) - len(shown)
    if waiting:
        st.info(f"{points_text(waiting)} not certified yet: press Certify to see every ball.")
    if not shown:
        st.stop()
    if not waiting:
        certify.keep_order(shown)
    balls.preview_note()
    left = balls.compare(world, mapped)
    balls.table(mapped, left, world.spec.class_names)
    balls.online_against_lp(world, mapped)
    freeze.freeze(world, mapped, shown)
except WorkerError as error:
    error_box(str(error))
