"""What the points on the page of balls are: the sidebar's kind of images, or places in a plane."""

from dataclasses import dataclass
from hashlib import blake2b

import streamlit as st

from rs_core.results import ModelSpec
from rs_ui.inputs.models import spec_of
from rs_ui.runs import session
from rs_ui.runs.session import Subject

PLANE_MODEL = "plane-mlp"
_IMAGES, _PLANE = "Images, with the sidebar's network", "Points in the plane"


@dataclass(frozen=True)
class Space:
    """A network, and all images that fit it.

    Fields:
        key: the same for networks of one input size and the same classes.
        model: the worker's name of the network.
        spec: what it is.
        seed, alpha, device: the sidebar's settings.
    """

    key: str
    model: str
    spec: ModelSpec
    seed: int = 0
    alpha: float = 1e-3
    device: str = "auto"

    @property
    def plane(self) -> bool:
        """Whether the points are places in a plane."""
        return self.shape == (1, 1, 2)

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W) of the images."""
        return tuple(self.spec.input_shape)


def key_of(spec: ModelSpec) -> str:
    """What networks share whose images can be exchanged."""
    facts = repr((tuple(spec.input_shape), spec.class_names)).encode()
    return blake2b(facts, digest_size=8).hexdigest()


def leave_runs() -> None:
    """Take the runs of a world that is left out of the address."""
    for name in ("run", "frozen", "order"):
        st.query_params.pop(name, None)


def page_of(key: str) -> str:
    """Under which name the run of a world is remembered."""
    return f"memory_{key}"


def forget(key: str) -> None:
    """No run of this world is shown any more: its points were removed."""
    session.keep_run(page_of(key), None)
    session.keep_run(f"frozen_{key}", None, "frozen")
    leave_runs()


def choose_world(subject: Subject | None) -> Space | None:
    """The world that the control names; None, with the reason shown, without a network."""
    choice = st.segmented_control(
        "What the points are",
        (_IMAGES, _PLANE),
        default=_IMAGES,
        required=True,
        key="points",
        bind="query-params",
        persist_state="session",
        on_change=leave_runs,
    )
    if choice == _PLANE:
        spec = spec_of(PLANE_MODEL)
        if subject is None:
            return Space(key_of(spec), PLANE_MODEL, spec)
        return Space(key_of(spec), PLANE_MODEL, spec, subject.seed, subject.alpha, subject.device)
    if subject is None:
        st.info("Choose a network in the sidebar, or take the points in the plane.")
        return None
    return Space(
        key_of(subject.spec), subject.model, subject.spec, subject.seed, subject.alpha,
        subject.device,
    )  # fmt: skip
