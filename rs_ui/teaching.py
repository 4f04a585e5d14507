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


_STEPS = (
    (
        "One image, many noisy copies",
        "A network's answer for one image can flip when a few pixels change by amounts that "
        "nobody sees. So it is not asked once: Gaussian noise of strength σ makes thousands of "
        "copies of the image, and the network votes on each.",
    ),
    (
        "One vote, one radius",
        "If one class wins clearly, no small change of the image can turn the vote. How small is a "
        "theorem (Cohen, Rosenfeld and Kolter, 2019): $R = \\sigma\\,\\Phi^{-1}(p)$, where $p$ is "
        "a lower bound of the winner's share: from few copies it errs, but at most with the "
        "probability α that you allow. That radius is what every page here shows.",
    ),
    (
        "Which noise level?",
        "Little noise certifies little; much noise drowns the image. The best σ differs from "
        "image to image: the page *Sigma sweep* draws the radius at many σ and lets you drag "
        "through them.",
    ),
    (
        "What may be claimed",
        "Every certificate carries a badge. **A Certified**: σ was fixed before anybody looked at "
        "the image, and the statement holds against every attacker. **C Fixed sigma**: σ was "
        "picked for this image, so the statement holds for the classifier held at that σ, and not "
        "for one that picks again. An abstention is shown as one; nothing is rounded up.",
    ),
)


@st.dialog("A tour in four steps", width="medium")
def open_tour() -> None:
    """Show the tour from its first step."""
    step = st.session_state.setdefault("_tour", 0)
    title, text = _STEPS[step]
    st.subheader(f"{step + 1}. {title}")
    st.write(text)
    with st.container(horizontal=True, horizontal_alignment="right"):
        if step:
            st.button("Back", key="tour_back", on_click=_turn, args=(step - 1,))
        if step + 1 < len(_STEPS):
            st.button("Next", key="tour_next", type="primary", on_click=_turn, args=(step + 1,))
        elif st.button("Start looking", key="tour_end", type="primary"):
            st.rerun()


def offer_tour() -> None:
    """The button that opens it."""
    if st.button("Take the tour", icon=":material/explore:", key="tour"):
        _turn(0)
        open_tour()


def _turn(step: int) -> None:
    st.session_state["_tour"] = step
