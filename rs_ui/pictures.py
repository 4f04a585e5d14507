"""Where the picture comes from, and its way through the worker to what the network sees."""

import base64
from typing import Any

import streamlit as st

from rs_core.results import ModelSpec
from rs_ui import caching, session
from rs_ui.drawing import drawn_png
from rs_ui.jobs import WorkerError
from rs_ui.panels import error_box
from rs_ui.taken import TAKEN, Picture, taken_picture

_DRAWING = "drawing"
_UNKEPT = "StoreError"
_SOURCES = ("Preset", "Your own", "Draw")
FILE_TYPES = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff"]
_INVERT: dict[str, str | bool] = {"Automatic": "auto", "Invert": True, "Keep": False}


def choose_picture(samples: list[dict[str, Any]], on_sample: Any) -> Picture | None:
    """The picture that the sidebar's controls name; None while a source has none yet."""
    taken = taken_picture()
    source = st.segmented_control(
        "Where the image comes from",
        _SOURCES if taken is None else (*_SOURCES, TAKEN),
        default=None if "source" in st.session_state else "Preset",
        required=True,
        key="source",
        persist_state="session",
        label_visibility="collapsed",
        width="stretch",
    )
    if source == TAKEN:
        return taken
    if source == "Your own":
        return _own()
    if source == "Draw":
        png = drawn_png(session.fresh_key("drawing"))
        return None if png is None else Picture(_DRAWING, False, png)
    titles = {sample["name"]: sample["title"] for sample in samples}
    name = st.selectbox(
        "Preset image", list(titles), key="image", bind="query-params", on_change=on_sample
    )
    return None if name is None else Picture(name, True)


def _own() -> Picture | None:
    """A file, or a photo: the camera is asked for only when its toggle is on."""
    if st.toggle("Use the camera", key="camera", persist_state="session"):
        photo = st.camera_input("Photo", resolution="480p", key=session.fresh_key("photo"))
        return None if photo is None else Picture("photo", False, photo.getvalue())
    file = st.file_uploader(
        "Image file", type=FILE_TYPES, max_upload_size=10, key=session.fresh_key("file")
    )
    return None if file is None else Picture(file.name, False, file.getvalue())


def choose_inversion(picture: Picture | None, channels: int) -> str | bool:
    """Whether dark ink on white paper is turned round: offered for a person's own digit."""
    known = picture is None or picture.sample or picture.image or picture.name == _DRAWING
    if known or channels != 1:
        return "auto"
    choice = st.segmented_control(
        "Dark ink on white paper",
        list(_INVERT),
        default="Automatic",
        required=True,
        key="ink",
        persist_state="session",
        help="The network learned white ink on black. Automatic inverts a paper photo and "
        "centres the digit; the two small pictures show what was done.",
    )
    return _INVERT[choice]


def decode(
    picture: Picture, model: str, label: int | None, invert: str | bool
) -> dict[str, Any] | None:
    """What the worker makes of a picture for a network; None, with the reason shown, if nothing.

    The last answer is kept, so a rerun asks only when something changed, or when the picture could
    not be kept: a full disk may have room by then.
    """
    key = (session.owner(), picture.key, model, label, invert)
    held = session.remembered("decoded")
    if held is None or held[0] != key:
        held = (key, *_ask(picture, model, label, invert))
        session.remember("decoded", None if held[3] == _UNKEPT else held)
    reply, sentence, kind = held[1:]
    unkept = f"{picture.name} could not be kept: {sentence}" if kind == _UNKEPT else None
    session.remember("unkept", unkept)
    if sentence is not None:
        error_box(unkept or sentence)
    shown: dict[str, Any] | None = reply
    return shown


def keep_again(image: str) -> str | None:
    """Has the sidebar's picture kept once more; the reason, if that cannot be."""
    held, picture = session.remembered("decoded"), session.remembered("picture")
    if held is None or picture is None or held[1] is None or held[1]["image"] != image:
        return "choose it in the sidebar again."
    sentence: str | None = _ask(picture, *held[0][2:])[1]
    return sentence


def _ask(
    picture: Picture, model: str, label: int | None, invert: str | bool
) -> tuple[dict[str, Any] | None, str | None, str]:
    """The answer, or else the reason and its kind."""
    fields: dict[str, Any] = {"model": model, "invert": invert, "label": label}
    if picture.sample:
        fields |= {"sample": picture.name, "name": picture.name}
    else:
        fields |= {"data": base64.b64encode(picture.data).decode(), "name": picture.name}
    verb = "decode"
    if picture.image:
        verb, fields = "image", {"image": picture.image}
    try:
        return caching.worker().call(verb, owner=session.owner(), **fields), None, ""
    except WorkerError as error:
        return None, str(error), error.kind


def fits(reply: dict[str, Any], picture: Picture, spec: ModelSpec) -> bool:
    """Whether a picture has the size of the network's input; says so where it has not.

    Only one that was read for another network can have another size.
    """
    have, need = (
        " x ".join(map(str, size)) for size in (reply["pixels"]["shape"], spec.input_shape)
    )
    if have == need:
        return True
    error_box(
        f"{picture.name} was read for another network: its size is {have} and this one takes "
        f"{need}. Choose a network of that size, or another image."
    )
    return False
