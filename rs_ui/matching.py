"""Preset images and networks that go together: the choice of one brings the other along."""

from typing import Any

import streamlit as st

from rs_ui import caching, session
from rs_ui.models import knows, offered_models


def take_sample(name: str) -> None:
    """Take a preset image, and a network that knows its class; a callback of any page."""
    st.session_state["source"], st.session_state["image"] = "Preset", name
    fit_model(caching.description())


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
