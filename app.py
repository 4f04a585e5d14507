"""The app: page config, menu, shared sidebar; then the page that was chosen.

The server loads this file as a module, for what stands around the pages; then every visit runs it
as a script.
"""

from pathlib import Path

import streamlit as st


def draw() -> None:
    """One visit's page."""
    from rs_ui.runs import session
    from rs_ui.server import uploads
    from rs_ui.shell import navigation, share, sidebar

    navigation.configure()
    uploads.hold()
    navigation.mark_routed()
    navigation.readable_buttons()
    page = st.navigation(navigation.pages())
    owner = share.exchange_owner()
    if owner is None:
        st.skeleton(height=400)
        st.stop()
    session.keep_owner(owner)
    share.tidy_address()
    with st.spinner("The compute process is starting: a few seconds, once ..."), st.sidebar:
        sidebar.draw_sidebar()
    sidebar.say_passed_over()
    page.run()


if __name__ == "__main__":
    draw()
else:
    from rs_ui.server import launch

    app = st.App(__file__, **launch.options(Path(__file__)))
