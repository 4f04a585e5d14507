"""Whether the controls ask for something else than the run that a page shows."""

from dataclasses import dataclass
from numbers import Real
from typing import Any

import streamlit as st

from rs_core.statistics import ceil_digits
from rs_ui.inputs.subject import is_same
from rs_ui.panels import plain
from rs_ui.runs.session import Subject


@dataclass(frozen=True)
class RunRequest:
    """What a page's button would start now.

    Fields:
        kind: as the worker names it.
        subject: the sidebar's, whose network, seed and device are asked for.
        images: the worker's ids.
        config: the settings, the sidebar's alpha among them where the run has one.
        refusal: the sentence that a start would be refused with; "" where it would not be.
    """

    kind: str
    subject: Subject
    images: tuple[str, ...]
    config: dict[str, Any]
    refusal: str = ""


def can_start(wanted: RunRequest | None) -> bool:
    """Whether the button may be pressed."""
    return wanted is not None and not wanted.refusal


def say(wanted: RunRequest | None, asked: dict[str, Any]) -> None:
    """In what the shown run is another one than the button would start, if it is.

    A run of another kind is no other setting of this one.
    """
    found = [] if wanted is None or wanted.kind != asked["kind"] else others(wanted, asked)
    if found:
        *most, last = found
        words = f"{', '.join(most)} and {last}" if most else last
        press = ": press the button above for one of theirs" if can_start(wanted) else ""
        st.info(f"The run below has {words} than the controls show now{press}.")


def say_of_one(
    words: tuple[str, str],
    subjects: tuple[Subject, Subject],
    wanted: RunRequest | None,
    asked: dict[str, Any],
) -> None:
    """As `say`, of a run about one image, which is named.

    Args:
        words: how the note begins ("This curve is of"), and what a start would make ("a curve").
        subjects: the run's, and the sidebar's.
        asked: the run's settings.
    """
    (begins, other), (shown, present) = words, subjects
    if not is_same(shown, present):
        press = " Press Start for what the sidebar shows now." if can_start(wanted) else ""
        st.warning(
            f"{begins} {plain(shown.name)} with {plain(shown.spec.name)}, seed {shown.seed}, "
            f"alpha {ceil_digits(shown.alpha, 6)}.{press}"
        )
    elif wanted is not None and differs(wanted.config, asked):
        press = f": press Start for {other} of theirs" if can_start(wanted) else ""
        st.info(f"The settings above have changed since{press}.")


def others(wanted: RunRequest, asked: dict[str, Any]) -> list[str]:
    """What is wanted otherwise than a run was asked, in words; empty for the same question."""
    subject, config = wanted.subject, asked["config"]
    same = list(wanted.images) == list(asked["image_ids"])
    named = same and subject.label is not None and wanted.images == (subject.image,)
    new = {name for name, value in wanted.config.items() if differs(value, config.get(name))}
    found = {
        "other images": not same,
        "another true class": named and asked["labels"] != [subject.label],
        "another network": asked["model"] not in (subject.model, _stem(subject.spec.weights)),
        "another seed": subject.seed != asked["seed"],
        "another device": _kind(subject.device) not in ("auto", _kind(asked["device"])),
        "another alpha": "alpha" in new,
        "other settings": bool(new - {"alpha"}),
    }
    return [name for name, other in found.items() if other]


def _stem(weights: str) -> str:
    """What a run calls a shipped network; one's own has a key instead, which means as much."""
    return weights.removesuffix(".safetensors")


def _kind(device: str) -> str:
    """What a run's numbers depend on: its GPUs are alike."""
    return device.partition(":")[0]


def differs(wanted: Any, asked: Any) -> bool:
    """Whether a wanted setting is not what was asked.

    The worker knows more of them than a form does: what is not wanted is not compared. Numbers of
    a list, as noise levels are, are the same in any order.
    """
    if isinstance(wanted, dict) and isinstance(asked, dict):
        return any(differs(value, asked.get(name)) for name, value in wanted.items())
    if isinstance(wanted, tuple | list) and isinstance(asked, tuple | list):
        if all(isinstance(one, Real) for one in (*wanted, *asked)):
            return {float(one) for one in wanted} != {float(one) for one in asked}
        each = zip(wanted, asked, strict=False)
        return len(wanted) != len(asked) or any(differs(one, other) for one, other in each)
    return bool(wanted != asked)
