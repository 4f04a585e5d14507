"""Several images for one run: of a data set, the sidebar's, a person's own files, the presets."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from rs_ui.inputs.picture import FILE_TYPES
from rs_ui.panels import error_box, plain, thumbnail_row
from rs_ui.runs import cache, session
from rs_ui.runs.run import cached_call, call
from rs_ui.runs.session import Subject

MOST_IMAGES, _USUAL = 200, 20
DATA_SET, THIS_IMAGE, _OWN, _PRESETS = "Data set", "This image", "Your files", "Presets"


@dataclass(frozen=True)
class ImageSet:
    """Images that the worker holds for this person: its ids, each once, and which they are."""

    ids: tuple[str, ...]
    words: str


def count_text(count: int) -> str:
    """1 image, 2 images."""
    return f"{count} image{'s' * (count != 1)}"


def choose_images(
    subject: Subject, prefix: str, *, first: str = DATA_SET, most: int = MOST_IMAGES
) -> ImageSet | None:
    """The images that the controls name; None, with the reason shown, where there are none.

    Args:
        subject: the sidebar's; its network reads the images.
        prefix: of the widgets' keys and so of their names in the address.
        first: the source that is chosen at first.
        most: how many images there may be.
    """
    source = st.segmented_control(
        "Which images",
        (DATA_SET, THIS_IMAGE, _OWN, _PRESETS),
        default=first,
        required=True,
        key=f"{prefix}_source",
        bind="query-params",
        persist_state="session",
    )
    if source == DATA_SET:
        return _of_set(subject, prefix, most)
    if source == THIS_IMAGE:
        return ImageSet((subject.image,), plain(subject.name))
    own = source == _OWN
    ids = own_files(subject, prefix, most) if own else presets(subject, prefix)
    if not ids:
        st.info("No image yet: give one at least.")
        return None
    return ImageSet(ids, f"{len(ids)} of {'your files' if own else 'the presets'}")


def fitting_sets(subject: Subject) -> dict[str, dict[str, Any]]:
    """The data sets on offer whose images have the size of the network's input, by name."""
    shape = list(subject.spec.input_shape)
    offered = cache.description()["sets"]
    return {one["name"]: one for one in offered if list(one["input_shape"]) == shape}


def _of_set(subject: Subject, prefix: str, most: int) -> ImageSet | None:
    sets = fitting_sets(subject)
    if not sets:
        size = " x ".join(map(str, subject.spec.input_shape))
        st.info(
            f"No data set of this network's input size ({size}) is here. Let the environment "
            "variable RS_DATA name a folder that holds the files of MNIST or CIFAR-10, and start "
            "the app again; or take your own files, or the presets.",
            icon=":material/folder_open:",
        )
        return None
    left, right = st.columns(2, vertical_alignment="bottom")
    name = left.selectbox(
        "Data set",
        list(sets),
        key=f"{prefix}_set",
        bind="query-params",
        persist_state="session",
        format_func=lambda key: sets[key]["title"] if key in sets else key,
    )
    most = min(most, int(sets[name]["size"]))
    count = right.number_input(
        f"How many of its {sets[name]['size']:,} images, evenly spread",
        1,
        most,
        min(_USUAL, most),
        key=f"{prefix}_count",
        bind="query-params",
        persist_state="session",
    )
    return _spread(subject, prefix, name, int(count), sets[name]["note"])


def _spread(subject: Subject, prefix: str, name: str, count: int, note: str) -> ImageSet | None:
    asked = (subject.model, name, count)
    reply = cached_call(
        f"{prefix}_set",
        asked,
        lambda: call("images_of_set", model=subject.model, set=name, count=count),
    )
    if isinstance(reply, str):
        error_box(reply)
        return None
    images = reply["images"]
    thumbnail_row([base64.b64decode(i["thumbnail"].partition(",")[2]) for i in images])
    words = plain(reply["set"])
    st.caption(f"{words}. {plain(note)}" if note else words)
    return ImageSet(tuple(dict.fromkeys(image["image"] for image in images)), words)


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
    samples = {s["name"]: s for s in cache.description()["samples"]}
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

        answer = cached_call(f"decoded_{key}", (subject.model,), small)
        if isinstance(answer, str):
            error_box(answer)
        else:
            found.append(answer)
    thumbnail_row([base64.b64decode(original) for _, original in found])
    return tuple(dict.fromkeys(image for image, _ in found))
