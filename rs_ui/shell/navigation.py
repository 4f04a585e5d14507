"""The page list, and the guard that puts a cold deep link on its feet."""

from pathlib import Path
from typing import Any

import streamlit as st

_PAGES = Path(__file__).resolve().parents[2] / "pages"
# File, title, icon and help of every page, in the order of the menu; the first is the default.
_MENU = (
    ("start", "Start", "target", "One image, certified at one noise level."),
    (
        "sweep",
        "Sigma sweep",
        "show_chart",
        "The certified radius of this image at many noise levels.",
    ),
    (
        "compare",
        "Compare selectors",
        "compare_arrows",
        "Several ways of choosing the noise level, on the same images.",
    ),
    (
        "sandwich",
        "Sandwich",
        "lunch_dining",
        "A certificate below and an attack above the same unknown radius.",
    ),
    (
        "attack",
        "Attack lab",
        "bolt",
        "What breaks this image, and whether fresh noise confirms it.",
    ),
    (
        "memory",
        "Memory and regions",
        "bubble_chart",
        "Balls that must not contradict each other, and what their order changes.",
    ),
    (
        "train",
        "Train",
        "model_training",
        "A network that learns to live with noise, watched while it does.",
    ),
    (
        "papers",
        "Papers",
        "menu_book",
        "The papers' tables, repeated here beside what they published, claim by claim.",
    ),
)


def pages() -> list[Any]:
    """Every page of the app, in the order of the menu."""
    return [
        st.Page(
            _PAGES / f"{name}.py",
            title=title,
            icon=f":material/{icon}:",
            default=name == _MENU[0][0],
            help=words,
        )
        for name, title, icon, words in _MENU
    ]


def configure() -> None:
    """Title, icon and layout; first in every run.

    Without it a page's menu icon becomes the tab's, and the browser asks Google's servers for it.
    """
    st.set_page_config(
        page_title="RS Lab",
        page_icon="◎",
        layout="wide",
        menu_items={"About": "RS Lab: certified radii by randomized smoothing, honestly labelled."},
    )


def readable_buttons() -> None:
    """Dark words on primary buttons in the dark theme, where Streamlit writes white on light blue.

    The theme's primary colour also writes words on dark ground, so it cannot be a darker one.
    Under the pointer a button is darker, and white fits. The browser chooses: the theme may be
    changed while nothing runs here.
    """
    button = "[data-testid='stBaseButton-primary']:not(:hover, :disabled)"
    st.html(f"<style>{button} :is(p, span) {{color: light-dark(white, #0D1014)}}</style>")


def mark_routed() -> None:
    """Note that `app.py` runs, so the page that follows is on its feet."""
    st.session_state["_router"] = True


def guard() -> None:
    """Return if `app.py` runs this page; start `app.py` otherwise.

    A server that was never visited runs a deep link's page alone, without menu and sidebar:
    Streamlit looks for a folder `pages/` before `app.py` has called `st.navigation`.
    """
    if not st.session_state.pop("_router", False):
        configure()
        st.navigation(pages())
        st.rerun()
