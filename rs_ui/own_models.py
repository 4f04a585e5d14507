"""The networks that a person brought or trained: those at hand, and those that no longer read."""

from typing import Any

import streamlit as st

from rs_ui import caching, session
from rs_ui.jobs import WorkerError
from rs_ui.panels import error_box, plain


def own_models() -> dict[str, dict[str, Any]]:
    """The networks that this browser brought, now or before a reload; asked for once."""
    if session.remembered("models") is None:
        _take(caching.worker().call("models", owner=session.owner()))
    held: dict[str, dict[str, Any]] = session.remembered("models")
    return held


def unreadable_models() -> None:
    """Networks of this person that can no longer be read, each with its reason and a way out."""
    for key, reason in session.remembered("unreadable", {}).items():
        error_box(f"Your network {key.partition(':')[2][:8]} cannot be used: {reason}")
        st.button("Delete this network", key=f"delete_{key}", on_click=_delete, args=(key,))


def _delete(key: str) -> None:
    try:
        _take(caching.worker().call("delete_model", owner=session.owner(), model=key))
    except WorkerError as error:
        session.remember("models", None)  # asked for again: another tab may have deleted it
        st.toast(plain(str(error)))


def _take(listed: dict[str, Any]) -> None:
    session.remember("models", listed["models"])
    session.remember("unreadable", listed["unreadable"])
