"""The app: page config, menu, shared sidebar; then the page that was chosen.

The server loads this file as a module, for what stands around the pages; then every visit runs it
as a script.
"""

from pathlib import Path

import streamlit as st


def draw() -> None:
    """One visit's page."""
    from rs_ui import browser, session, sharing, shell, sidebar, upload_room

    shell.configure()
    upload_room.hold()
    shell.mark_routed()
    shell.readable_buttons()
    page = st.navigation(shell.pages())
    owner = browser.exchange_owner()
    if owner is None:
        st.skeleton(height=400)
        st.stop()
    session.keep_owner(owner)
    sharing.tidy_address()
    with st.spinner("The compute process is starting: a few seconds, once ..."), st.sidebar:
        sidebar.draw_sidebar()
    page.run()


if __name__ == "__main__":
    draw()
else:
    from rs_ui import server

    app = st.App(__file__, **server.options(Path(__file__)))
