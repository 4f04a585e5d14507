"""Teaching mode: narration on every page, advanced controls out of sight."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from rs_core.plots.text import radius_text
from rs_core.results import Certificate
from rs_core.statistics import ceil_digits, floor_decimals


def switch() -> None:
    """The sidebar's toggle; it stands in the link, so a class opens the same pages."""
    st.toggle(
        "Teaching mode",
        key="teach",
        bind="query-params",
        help="Explains what each page shows, and hides settings that a first lesson can spare.",
    )


def is_on() -> bool:
    """Whether pages explain themselves."""
    return bool(st.session_state.get("teach"))


def hides(defaults: Mapping[str, Any]) -> bool:
    """Whether controls, by key, stay out of sight: in teaching mode, while all hold their defaults.

    A setting that is in force is never hidden, whether the address or a person gave it.
    """
    if not is_on():
        return False
    held = st.session_state
    return not any(
        key in st.query_params or held.get(key, value) != value for key, value in defaults.items()
    )


def say(text: str) -> None:
    """A teacher's remark, in Markdown with LaTeX; nothing unless teaching mode is on."""
    if is_on():
        st.info(text, icon=":material/school:")


def lesson(c: Certificate) -> str:
    """How the votes of one certificate become its radius, with its own numbers."""
    votes = f"{c.n_top:,} of {c.n:,}"
    if c.predicted is None or c.p_lower is None:
        return (
            f"{votes} fresh copies voted for the class that {c.n0:,} others had chosen. A radius "
            "needs a share that is above one half beyond doubt: take more copies, or less noise."
        )
    share = floor_decimals(c.p_lower, 5)
    return (
        f"{votes} fresh copies voted for one class. The true share could be smaller than what "
        f"was counted, so the Clopper-Pearson bound takes it down to $p = {share}$ (too high in "
        f"at most {ceil_digits(c.alpha, 3)} of all cases). The radius is "
        f"$R = \\sigma\\,\\Phi^{{-1}}(p) = "
        f"{c.sigma:g} \\cdot \\Phi^{{-1}}({share})$, which is {radius_text(c.radius)}."
    )
