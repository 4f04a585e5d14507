"""Where the picture comes from, and its way through the worker to what the network sees."""

import base64
import binascii
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import streamlit as st

from rs_core.results import ModelSpec
from rs_ui.client.worker import WorkerError
from rs_ui.panels import error_box
from rs_ui.runs import cache, session

TAKE, TAKEN = "take", "Compared"  # a link's parameter, and the sidebar's word for such a picture


@dataclass(frozen=True)
class Picture:
    """A picture before decoding: a sample's name, or the bytes of a file.

    One that was decoded already is the worker's `image`, read for a network with `classes`.
    """

    name: str
    sample: bool
    data: bytes = b""
    image: str = ""
    classes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What tells it from every other."""
        digest = blake2b(self.data, digest_size=16).hexdigest()
        return f"{self.name}:{self.sample}:{self.image}:{digest}"

    def label_for(self, spec: ModelSpec, label: int | None) -> int | None:
        """Its true class for a network; unknown to one with other classes than it was read for."""
        return label if self.classes in ((), spec.class_names) else None


def offer_picture(picture: Picture) -> None:
    """Let a link with `take=` and the picture's id show it in the sidebar."""
    session.remember("offered", picture)


def taken_picture() -> Picture | None:
    """The picture that a link of another page brought last."""
    offered: Picture | None = session.remembered("offered")
    if TAKE in st.query_params:
        if offered is not None and offered.image == st.query_params[TAKE]:
            session.remember("taken", offered)
            st.session_state["source"] = TAKEN
        del st.query_params[TAKE]
    found: Picture | None = session.remembered("taken")
    return found


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
        return cache.worker().call(verb, owner=session.owner(), **fields), None, ""
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


_HTML = """
<canvas width="280" height="280" role="img" tabindex="0"
  aria-label="Drawing area: draw a digit with the mouse, a pen or a finger"></canvas>
<div class="buttons"><button type="button" class="use">Use drawing</button>
<button type="button" class="clear">Clear</button></div>
"""
_CSS = """
canvas { width: 100%; max-width: 280px; aspect-ratio: 1; background: #000; border-radius: 8px;
  border: 1px solid var(--st-border-color); box-sizing: border-box; touch-action: none;
  cursor: crosshair; }
.buttons { display: flex; gap: 8px; margin-top: 6px; }
button { font: inherit; color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: 8px; padding: 6px 12px;
  cursor: pointer; }
"""
_JS = """
export default function ({ parentElement, setStateValue }) {
  const canvas = parentElement.querySelector("canvas"), pen = canvas.getContext("2d");
  const at = (e) => [e.offsetX * 280 / canvas.clientWidth, e.offsetY * 280 / canvas.clientHeight];
  const clear = () => { pen.fillStyle = "#000"; pen.fillRect(0, 0, 280, 280); };
  if (!canvas.dataset.ready) { canvas.dataset.ready = "1"; clear(); }
  Object.assign(pen, { strokeStyle: "#fff", lineWidth: 22, lineCap: "round", lineJoin: "round" });
  canvas.onpointerdown = (e) => {
    canvas.setPointerCapture(e.pointerId);
    pen.beginPath(); pen.moveTo(...at(e)); pen.lineTo(...at(e)); pen.stroke();
  };
  canvas.onpointermove = (e) => { if (e.buttons) { pen.lineTo(...at(e)); pen.stroke(); } };
  const hasInk = () => pen.getImageData(0, 0, canvas.width, canvas.height).data.some(
    (level, index) => index % 4 < 3 && level > 0);
  parentElement.querySelector(".use").onclick = () =>
    setStateValue("png", hasInk() ? canvas.toDataURL() : "");
  parentElement.querySelector(".clear").onclick = () => { clear(); setStateValue("png", null); };
}
"""
_canvas = st.components.v2.component("rs_lab_canvas", html=_HTML, css=_CSS, js=_JS)
_HEAD = "data:image/png;base64,"
_MOST = 1_000_000


def drawn_png(key: str) -> bytes | None:
    """The drawing as PNG once "Use drawing" was pressed, else None."""
    result = _canvas(key=key, on_png_change=lambda: None)
    if result.get("png") == "":
        st.caption("The canvas is empty: draw a digit, then press Use drawing.")
    return png_of(result.get("png"))


def png_of(address: object) -> bytes | None:
    """The bytes of a PNG data address, None for anything else: a browser may send what it likes."""
    if not isinstance(address, str) or not address.startswith(_HEAD) or len(address) > _MOST:
        return None
    try:
        return base64.b64decode(address.removeprefix(_HEAD), validate=True)
    except (binascii.Error, ValueError):
        return None
