"""What a session remembers, with types: who it is, what it looks at, which run it follows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from rs_core.results import ModelSpec


@dataclass(frozen=True, eq=False)
class Subject:
    """What is to be certified: an image as one network sees it, and how.

    Fields:
        image: the worker's id of the decoded image.
        name: of the file or sample, as its owner wrote it: never a path, never markup.
        pixels: (C, H, W) float32 in [0,1], the network's input.
        original: the picture before it was resized, PNG, at most 256 pixels wide.
        notes: what was done to it, one phrase each.
        label: its true class, None if unknown.
        inverted: whether dark ink on white paper was turned round.
        model: the worker's key of the network.
        spec: what that network is.
        seed, alpha, device: the sidebar's settings.
    """

    image: str
    name: str
    pixels: np.ndarray
    original: bytes
    notes: tuple[str, ...]
    label: int | None
    inverted: bool
    model: str
    spec: ModelSpec
    seed: int
    alpha: float
    device: str

    @property
    def settings(self) -> tuple[str, int, float, str]:
        """(network, seed, alpha, device)."""
        return self.model, self.seed, self.alpha, self.device

    @property
    def class_names(self) -> tuple[str, ...]:
        """The network's class names, one per logit."""
        return self.spec.class_names


def owner() -> str:
    """The owner key of this session's browser."""
    return str(st.session_state["_owner"])


def keep_owner(key: str) -> None:
    """Remember whose session this is."""
    st.session_state["_owner"] = key


def subject() -> Subject | None:
    """What the sidebar last chose; None before the first image could be read."""
    found: Subject | None = st.session_state.get("_subject")
    return found


def keep_subject(chosen: Subject | None) -> None:
    """Remember what the sidebar chose."""
    st.session_state["_subject"] = chosen


def run_id(page: str, address: str = "run") -> str | None:
    """The run that a page shows: the one under this name in the address, or the page's last."""
    named = st.query_params.get(address)
    held = st.session_state.get(f"_run_{page}")
    return named or held


def keep_run(page: str, job: str | None, address: str = "run") -> None:
    """Let a page show a run; its id stands in the address until the page is left."""
    st.session_state[f"_run_{page}"] = job
    if job is None:
        st.query_params.pop(address, None)
    elif st.query_params.get(address) != job:
        st.query_params[address] = job


def asked(job: str) -> Subject | None:
    """What a run was asked about, if this session asked."""
    found: Subject | None = st.session_state.get("_asked", {}).get(job)
    return found


def keep_asked(job: str, chosen: Subject) -> None:
    """Remember what a run was asked about; the oldest of 20 are forgotten."""
    held: dict[str, Subject] = st.session_state.setdefault("_asked", {})
    held[job] = chosen
    for old in list(held)[:-20]:
        del held[old]


def remembered(name: str, default: Any = None) -> Any:
    """A value that a page put aside under a name."""
    return st.session_state.get(f"_kept_{name}", default)


def remember(name: str, value: Any) -> None:
    """Put a value aside under a name."""
    st.session_state[f"_kept_{name}"] = value


def forget(beginning: str) -> None:
    """Drop what was put aside under names that begin so."""
    for key in [k for k in st.session_state if str(k).startswith(f"_kept_{beginning}")]:
        del st.session_state[key]


@contextmanager
def pressed(name: str) -> Iterator[bool]:
    """Whether a button put True aside under a name; forgotten once the block has ended.

    Not before: a rerun may stop the script in the middle of the block, and the next one answers.
    """
    if not remembered(name):
        yield False
        return
    yield True
    remember(name, False)


def fresh_key(name: str) -> str:
    """The key of a widget that holds a file: another one after `clear`, so that it is empty."""
    return f"{name}_{st.session_state.get('_round', 0)}"


def clear() -> None:
    """Forget everything but whose session this is."""
    st.session_state["_round"] = st.session_state.get("_round", 0) + 1
    st.session_state["source"] = "Preset"
    for name in [n for n in st.session_state if str(n).startswith(("_subject", "_run_", "_asked"))]:
        del st.session_state[name]
    for name in [n for n in st.session_state if str(n).startswith("_kept_")]:
        del st.session_state[name]
    st.query_params.pop("run", None)
