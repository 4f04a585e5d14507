"""Several files of a person, or several presets, read for one network."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from rs_ui import caching, session
from rs_ui.answers import call, once
from rs_ui.panels import error_box, thumbnail_row
from rs_ui.pictures import FILE_TYPES
from rs_ui.session import Subject

Ask = Callable[[], dict[str, Any]]


def own_files(subject: Subject, prefix: str, most: int) -> tuple[str, ...]:
    """The worker's ids of the files that could be read; of each other one a sentence says why."""
    files = st.file_uploader(
        f"Image files, up to {most}",
        type=FILE_TYPES,
        accept_multiple_files=True,
        max_upload_size=10,
        key=session.fresh_key(f"{prefix}_files"),
    )
    st.caption("Their true classes are not known here, so no accuracy is shown for them.")
    if len(files) > most:
        error_box(f"{len(files)} files: the limit is {most}, so the others are left out.")

    def asking(file: Any) -> Ask:
        def ask() -> dict[str, Any]:
            data = base64.b64encode(file.getvalue()).decode()
            return call("decode", model=subject.model, name=file.name, data=data)

        return ask

    return _decoded({file.file_id: asking(file) for file in files[:most]}, subject)


def presets(subject: Subject, prefix: str) -> tuple[str, ...]:
    """The worker's ids of the presets that were chosen: at first those that the network knows."""
    samples = {s["name"]: s for s in caching.description()["samples"]}
    known = [
        n for n, s in samples.items() if any(subject.spec.name.startswith(f) for f in s["labels"])
    ]
    names = st.pills(
        "Presets",
        list(samples),
        selection_mode="multi",
        default=known,
        key=f"{prefix}_presets",
        persist_state="session",
    )

    def asking(name: str) -> Ask:
        return lambda: call("decode", model=subject.model, name=name, sample=name)

    return _decoded({name: asking(name) for name in names}, subject)


def _decoded(asks: Mapping[str, Ask], subject: Subject) -> tuple[str, ...]:
    found = []
    for key, ask in asks.items():

        def small(ask: Ask = ask) -> tuple[str, str]:
            reply = ask()
            return reply["image"], reply["original"]

        answer = once(f"decoded_{key}", (subject.model,), small)
        if isinstance(answer, str):
            error_box(answer)
        else:
            found.append(answer)
    thumbnail_row([base64.b64decode(original) for _, original in found])
    return tuple(dict.fromkeys(image for image, _ in found))
