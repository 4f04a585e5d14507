"""What leaves the session: a link to its settings, and everything of it when it is deleted."""

import math
import re
import secrets
from contextlib import suppress
from urllib.parse import urlencode

import streamlit as st

from rs_core.store import DAMAGED
from rs_ui.client.worker import WorkerError
from rs_ui.inputs.picture import Picture
from rs_ui.panels import error_box
from rs_ui.runs import cache, run, session

_REFUSED = "undeleted"
_OWN = ("run", "frozen", "order")  # what only this browser can open


def tidy_address() -> None:
    """Drop numbers from a visitor's address that no field can hold, such as 1e400.

    Only before the first field is drawn: later the address holds what a person typed.
    """
    if session.remembered("address_read"):
        return
    session.remember("address_read", True)
    dropped = False
    # A list of sigmas is text: its own field says what is wrong with it.
    for name in [n for n in st.query_params if not n.endswith("_sigmas")]:
        try:
            held = float(st.query_params[name])
        except ValueError:
            continue
        if not math.isfinite(held):
            del st.query_params[name]
            dropped = True
    if dropped:  # fields read the address as it was when a run began
        st.rerun()


def share_link(picture: Picture | None, seed: int) -> None:
    """The address of these settings, without the run and without whose it is.

    Args:
        picture: what is looked at.
        seed: of the noise; an address names one only where it is not the browser's own.
    """
    with st.popover("Copy link", icon=":material/link:", width="stretch"):
        shared = {k: st.query_params.get_all(k) for k in st.query_params if k not in _OWN}
        query = urlencode(shared | {"seed": seed}, doseq=True)
        st.code(f"{st.context.url or ''}?{query}", language=None, wrap_lines=True)
        st.caption("It carries the settings, your seed among them, and opens no run of yours.")
        if picture is not None and not picture.sample:
            st.caption("Your own image is not in it: send the file along, or a report.")


def offer_deletion() -> None:
    """The button that deletes what this browser brought and computed."""
    with st.popover("Delete my images and runs", icon=":material/delete:", width="stretch"):
        st.write(
            "Deletes what this browser uploaded, drew and computed here, the networks that it "
            "trained too, and stops the runs that are open. Your next runs have a new seed."
        )
        st.button("Delete everything of mine", type="primary", key="delete", on_click=_delete)
    refused = session.remembered(_REFUSED)
    if refused:
        error_box(refused)
    elif damaged := _damaged():
        st.warning(
            f"{damaged} of your runs cannot be read any more: what was asked was changed or "
            "damaged on disk. They are not shown and count for nothing; deleting everything of "
            "yours removes them too."
        )


def _damaged() -> int:
    """How many runs of this browser lost what they were asked; looked at once."""
    if session.remembered("damaged") is None:
        try:
            found = cache.worker().call("runs", owner=session.owner())["runs"]
        except WorkerError:  # whatever is asked next says so
            return 0
        session.remember("damaged", sum(other["kind"] == DAMAGED for other in found))
    return int(session.remembered("damaged"))


def _delete() -> None:
    """Delete; what could not be stays said until the next try."""
    try:
        left = cache.worker().call("forget", owner=session.owner()).get("left")
    except WorkerError as error:
        session.remember(_REFUSED, f"Not everything was deleted: {error}")
        return
    session.clear()
    with suppress(WorkerError):  # the next run asks again
        st.session_state["seed"] = run.own_seed()
    session.remember(_REFUSED, left)
    if not left:
        st.toast("Your images and runs are deleted.")


_JS = """
export default function ({ data, setStateValue }) {
  const name = "rs-lab-owner";
  let key = null;
  try {
    key = window.localStorage.getItem(name);
    if (!/^[0-9a-f]{64}$/.test(key || "")) {
      key = data.fresh;
      window.localStorage.setItem(name, key);
    }
  } catch (refused) {
    key = data.held || data.fresh;  // storage is switched off: the key lasts as long as the page
  }
  if (key !== data.held) setStateValue("owner", key);
}
"""
_keep = st.components.v2.component("rs_lab_owner", js=_JS)
_KEY = "_browser"
_OWNER = re.compile(r"[0-9a-f]{64}")


def exchange_owner() -> str | None:
    """The browser's key; None in a session's first run, which only asks for it.

    Call once in every run.
    """
    held = st.session_state.get(_KEY)
    answer = held.get("owner") if held is not None else None
    owner = answer if isinstance(answer, str) and _OWNER.fullmatch(answer) else None
    fresh = owner or secrets.token_hex(32)
    _keep(key=_KEY, data={"fresh": fresh, "held": owner}, on_owner_change=lambda: None)
    return owner
