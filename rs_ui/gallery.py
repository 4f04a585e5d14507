"""The preset images as cards: one click takes one."""

import base64

import streamlit as st

from rs_ui import caching, matching

_WIDTH = 104


def preset_cards() -> None:
    """A small picture and a button for every preset."""
    st.subheader("Try another image")
    with st.container(horizontal=True, gap="small"):
        for sample in caching.description()["samples"]:
            name = sample["name"]
            with st.container(width=_WIDTH):
                st.image(
                    base64.b64decode(sample["thumbnail"]), width=_WIDTH, alt=str(sample["title"])
                )
                st.button(
                    name, key=f"take_{name}", on_click=matching.take_sample, args=(name,),
                    width="stretch", help=str(sample["title"]),
                )  # fmt: skip
