"""Images that a training certifies after every epoch: of its set, the sidebar's, presets."""

import base64
from typing import Any, NamedTuple

import streamlit as st

from rs_ui.panels import error_box, thumbnail_row
from rs_ui.runs import cache
from rs_ui.runs.run import cached_call, call
from rs_ui.runs.session import Subject

MOST, _USUAL = 8, 5
_SHARED: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


class Probes(NamedTuple):
    """The worker's ids of images, and the true class of each, None where unknown."""

    ids: tuple[str, ...]
    labels: tuple[int | None, ...]


class _Found(NamedTuple):
    image: str
    label: int | None
    thumbnail: bytes


def choose_probes(dataset: dict[str, Any], subject: Subject | None) -> Probes | None:
    """The images that the controls name; None, with the reason shown, where they are too many.

    Args:
        dataset: what is trained on, as the worker describes it.
        subject: the sidebar's; its image and the presets need a network of the set's image size.
    """
    st.markdown("**Images to certify after every epoch**")
    left, right = st.columns(2, vertical_alignment="bottom")
    count = left.number_input(
        "Of the set, none of them learned from", 0, MOST, _USUAL, key="train_count", **_SHARED
    )
    found = _of_set(dataset["name"], int(count))
    fits = subject is not None and subject.pixels.shape == tuple(dataset["input_shape"])
    if subject is not None and fits:
        with right:
            found = {**_sidebars(subject, dataset), **found, **_presets(subject, dataset)}
    else:
        size = " x ".join(map(str, dataset["input_shape"]))
        right.caption(
            f"For your own image or a preset, choose a network in the sidebar that takes {size} "
            "pixels."
        )
    thumbnail_row([one.thumbnail for one in found.values()])
    if len(found) > MOST:
        error_box(f"{len(found)} images: at most {MOST} can be followed; take fewer of the set.")
        return None
    return Probes(tuple(found), tuple(one.label for one in found.values()))


def _of_set(name: str, count: int) -> dict[str, _Found]:
    if not count:
        return {}
    reply = cached_call(
        "train_probes", (name, count), lambda: call("held_out_images", set=name, count=count)
    )
    if isinstance(reply, str):
        error_box(reply)
        return {}
    return {
        one["image"]: _Found(one["image"], one["label"], picture_of(one["thumbnail"]))
        for one in reply["images"]
    }


def _sidebars(subject: Subject, dataset: dict[str, Any]) -> dict[str, _Found]:
    wanted = st.toggle("The sidebar's image", True, key="train_this", **_SHARED)
    label = subject.label if _same_classes(subject, dataset) else None
    return {subject.image: _Found(subject.image, label, subject.original)} if wanted else {}


def _presets(subject: Subject, dataset: dict[str, Any]) -> dict[str, _Found]:
    """Presets, read for the sidebar's network; those that its set does not know have no class."""
    samples = [sample["name"] for sample in cache.description()["samples"]]
    found = {}
    for name in st.multiselect("Presets", samples, key="train_presets", persist_state="session"):

        def ask(name: str = name) -> dict[str, Any]:
            reply = call("decode", model=subject.model, name=name, sample=name)
            return {part: reply[part] for part in ("image", "label", "original")}

        reply = cached_call(f"train_preset_{name}", (subject.model,), ask)
        if isinstance(reply, str):
            error_box(reply)
            continue
        label = reply["label"] if _same_classes(subject, dataset) else None
        found[reply["image"]] = _Found(reply["image"], label, base64.b64decode(reply["original"]))
    return found


def _same_classes(subject: Subject, dataset: dict[str, Any]) -> bool:
    return tuple(subject.class_names) == tuple(dataset["class_names"])


def picture_of(address: str) -> bytes:
    """The bytes of a picture in a data address."""
    return base64.b64decode(address.partition(",")[2])
