"""A row of buttons that download a finished run's files, each built when somebody asks for it."""

import re
from collections.abc import Callable

import streamlit as st

_MIME = {
    "csv": "text/csv", "html": "text/html", "json": "application/json",
    "npz": "application/octet-stream", "png": "image/png", "tsv": "text/tab-separated-values",
    "zip": "application/zip",
}  # fmt: skip


def file_buttons(stem: str, key: str, *files: tuple[str, str, Callable[[], str | bytes]]) -> None:
    """A button for each file.

    Args:
        stem: what their names begin with.
        key: of the widgets, with {} for the ending.
        files: label, ending (after a dot, where two end alike: "verdicts.tsv"), and what builds
            the file; that is called where there is no session.
    """
    with st.container(horizontal=True):
        for label, ending, build in files:
            st.download_button(
                label,
                data=build,
                file_name=f"{stem}.{ending}",
                mime=_MIME[ending.rpartition(".")[2]],
                key=key.format(ending),
                on_click="ignore",
                icon=":material/download:",
            )


def stem_of(name: str) -> str:
    """An image's name as a part of a file's."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:40] or "image"
