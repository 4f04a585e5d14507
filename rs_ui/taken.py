"""A picture before the network reads it, and how one of another page comes to the sidebar."""

from dataclasses import dataclass
from hashlib import blake2b

import streamlit as st

from rs_core.results import ModelSpec
from rs_ui import session

TAKE, TAKEN = "take", "Compared"  # a link's parameter, and the sidebar's word for such a picture


@dataclass(frozen=True)
class Picture:
    """A picture before decoding: a sample's name, or the bytes of a file.

    One that was decoded already is the worker's `image`, read for a network with `classes`.
    """

    name: str
    sample: bool
    data: bytes = b""
    image: str = ""
    classes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What tells it from every other."""
        digest = blake2b(self.data, digest_size=16).hexdigest()
        return f"{self.name}:{self.sample}:{self.image}:{digest}"

    def label_for(self, spec: ModelSpec, label: int | None) -> int | None:
        """Its true class for a network; unknown to one with other classes than it was read for."""
        return label if self.classes in ((), spec.class_names) else None


def offer_picture(picture: Picture) -> None:
    """Let a link with `take=` and the picture's id show it in the sidebar."""
    session.remember("offered", picture)


def taken_picture() -> Picture | None:
    """The picture that a link of another page brought last."""
    offered: Picture | None = session.remembered("offered")
    if TAKE in st.query_params:
        if offered is not None and offered.image == st.query_params[TAKE]:
            session.remember("taken", offered)
            st.session_state["source"] = TAKEN
        del st.query_params[TAKE]
    found: Picture | None = session.remembered("taken")
    return found
