"""Whose browser this is: a random key that only this browser keeps, in its local storage.

It never stands in an address, so a copied link opens no run and shows no image of its sender.
"""

import re
import secrets

import streamlit as st

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
