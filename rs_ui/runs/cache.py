"""What all sessions share: the worker's client, and, in Streamlit's caches, what can be made again.

Any visitor's browser can empty Streamlit's caches at any moment, with one message. So they hold
copies only: a description that is asked for again, a figure that is drawn again. What belongs to a
person is kept under the owner's key.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Any

import streamlit as st

from rs_core.errors import StoreError
from rs_core.store import log_to_file, rs_home
from rs_ui.client.worker import Worker

_STARTING = Lock()


def worker() -> Worker:
    """The one client of the one compute process, as long as the server lives."""
    with _STARTING:
        return client()


@cache
def client() -> Worker:
    """What `worker` returns, made; from now on the pages' failures are logged."""
    with suppress(StoreError):  # the compute process says so itself, in a sentence
        for logger in ("rs_ui", "streamlit.error_util"):
            log_to_file(rs_home(), logger=logger, rotates=False)
    # Streamlit imports pandas for the first table that it shows, and Plotly looks at it without
    # waiting for that to end: a chart that another thread draws meanwhile would fail.
    import_module("pandas")
    return Worker()


@st.cache_data(show_spinner=False, ttl=600, max_entries=1)
def description() -> dict[str, Any]:
    """What the worker offers: models, samples, forms, devices."""
    found: dict[str, Any] = worker().describe()
    return found


@st.cache_resource(show_spinner=False, max_entries=200)
def drawn(owner: str, job: str, what: str, _draw: Callable[[], Any]) -> Any:
    """The figure `what` of a finished run, drawn once; to be looked at, not to be changed."""
    return _draw()
