"""A canvas to draw a digit on: white ink on black, as the handwritten digits of MNIST are."""

import base64
import binascii

import streamlit as st

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
