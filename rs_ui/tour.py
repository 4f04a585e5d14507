"""Four steps that say what this is, for somebody who has never heard of it."""

import streamlit as st

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
