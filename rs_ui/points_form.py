"""How points are certified: who picks sigma, and with how many copies."""

from typing import Any

import streamlit as st

from rs_ui import caching
from rs_ui.forms import form
from rs_ui.worlds import World

_FIRST = {"images": "multistart", "plane": "grid"}
# The plane is one wide: noise that suits pictures would cover all of it.
_IN_THE_PLANE: dict[str, dict[str, Any]] = {
    "grid": {"sigma_min": 0.02, "sigma_max": 0.3, "interval": 0.04, "n": 500},
    "greedy_grid": {"sigma_min": 0.02, "sigma_max": 0.3, "interval": 0.04},
    "fixed": {"sigma": 0.05},
    "gradient": {"start": 0.05, "sigma_min": 0.01, "sigma_max": 0.3},
}
_COPIES = 2000
_HIDDEN = ("label_aware", "alpha")


def settings(world: World) -> dict[str, Any] | None:
    """What the controls ask for, without alpha; None while one makes no sense."""
    offer = caching.description()
    place = "plane" if world.plane else "images"
    names = [n for n in offer["selectors"] if not world.plane or n in _IN_THE_PLANE]
    name = st.selectbox(
        "Who picks σ for each point",
        names,
        names.index(_FIRST[place]) if _FIRST[place] in names else 0,
        key=f"{place}_selector",
        bind="query-params",
        persist_state="session",
    )
    changed = _IN_THE_PLANE[name] if world.plane else {}
    fields = [f | {"default": changed.get(f["name"], f["default"])} for f in _shown(offer, name)]
    own = form(fields, prefix=f"{place}_{name}", first=(), given=_HIDDEN)
    copies = [f | {"default": _COPIES} for f in offer["forms"]["certify"] if f["name"] == "n"]
    drawn = form(copies, prefix=f"{place}_balls", first=("n",), given=())
    if own is None or drawn is None:
        return None
    return {"selector": name, "settings": own, **drawn}


def _shown(offer: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = offer["selectors"][name]
    return found
