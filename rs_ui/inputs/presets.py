"""Preset images and networks that go together: the choice of one brings the other along."""

import base64
from typing import Any

import streamlit as st

from rs_ui.inputs.models import knows, offered_models
from rs_ui.runs import cache, session


def take_sample(name: str) -> None:
    """Take a preset image, and a network that knows its class; a callback of any page."""
    st.session_state["source"], st.session_state["image"] = "Preset", name
    fit_model(cache.description())


def fit_model(offer: dict[str, Any]) -> None:
    """Another preset: take a network that knows its classes, unless the present one does."""
    models = offered_models(offer)
    sample = next(s for s in offer["samples"] if s["name"] == st.session_state["image"])
    present = models.get(st.session_state.get("model", ""))
    fitting = [name for name, spec in models.items() if knows(spec, sample)]
    if fitting and not (present and knows(present, sample)):
        st.session_state["model"] = fitting[0]


def fit_sample(offer: dict[str, Any]) -> None:
    """Another network: take a preset whose class it knows, unless the present one has one."""
    session.remember("model_missing", None)
    spec = offered_models(offer)[st.session_state["model"]]
    fitting = [s["name"] for s in offer["samples"] if knows(spec, s)]
    if fitting and st.session_state.get("image") not in fitting:
        st.session_state["image"] = fitting[0]


_WIDTH = 104


def preset_cards() -> None:
    """A small picture and a button for every preset."""
    st.subheader("Try another image")
    with st.container(horizontal=True, gap="small"):
        for sample in cache.description()["samples"]:
            name = sample["name"]
            with st.container(width=_WIDTH):
                st.image(
                    base64.b64decode(sample["thumbnail"]), width=_WIDTH, alt=str(sample["title"])
                )
                st.button(
                    name, key=f"take_{name}", on_click=take_sample, args=(name,),
                    width="stretch", help=str(sample["title"]),
                )  # fmt: skip
