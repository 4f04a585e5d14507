"""Memory and regions: which balls can stand side by side, and what the order changes."""

import streamlit as st

from rs_ui import (
    balls,
    freezing,
    gathering,
    ordering,
    pointing,
    points_form,
    rule_sums,
    session,
    shell,
    teaching,
)
from rs_ui.jobs import WorkerError
from rs_ui.lineup import lineup_of, points_text
from rs_ui.panels import error_box
from rs_ui.worlds import choose_world

LESSON = (
    "If every image may pick its own σ, an attacker may move the image to where another σ is "
    "picked. A way out: whoever comes first owns a ball, and every later query inside it gets the "
    "owner's answer. Then no two balls of different classes may meet, so a point that comes late "
    "is *cut* by its neighbours, or lies inside one of them and *inherits* its label. That is why "
    "the order matters, and why a linear programme that knows all points beforehand can do better."
)

shell.guard()
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
gathering.gather(world, session.subject())
with st.container(border=True):
    config = points_form.settings(world)
    pointing.certify(world, config)
try:
    mapped = pointing.found(world, config)
    if not lineup_of(world.key).came:
        st.info(
            f"No point yet: add {'one' if world.plane else 'this image'}, or a batch, then "
            "certify them.",
            icon=":material/scatter_plot:",
        )
        st.stop()
    ordering.line_up(world, mapped)
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
        pointing.keep_order(shown)
    balls.preview_note()
    left = balls.compare(world, mapped)
    balls.table(mapped, left, world.spec.class_names)
    rule_sums.online_against_lp(world, mapped)
    freezing.freeze(world, mapped, shown)
except WorkerError as error:
    error_box(str(error))
