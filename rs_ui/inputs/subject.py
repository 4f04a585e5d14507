"""The subject of a run, found again, and its noisy copies."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from rs_ui.inputs.models import spec_of
from rs_ui.runs import cache, session


def subject_from(reply: dict[str, Any], **known: Any) -> session.Subject:
    """The subject of the worker's answer about an image, and of what else is known of it."""
    return session.Subject(
        image=reply["image"],
        name=reply["name"],
        pixels=pixels_of(reply["pixels"]),
        original=base64.b64decode(reply["original"]),
        notes=tuple(reply["notes"]),
        inverted=bool(reply["inverted"]),
        **known,
    )


def subject_of(
    job: str, about: dict[str, Any], present: session.Subject | None = None
) -> session.Subject:
    """What a run of one image was asked about: the present subject, a remembered or a fetched one.

    Raises:
        WorkerError: the image was deleted meanwhile.
    """
    held = session.asked(job)
    if held is not None and present is not None and is_same(held, present):
        return present  # a true class that was named later belongs to it
    if held is None:
        alone = "image_ids" not in about
        image = about["image_id"] if alone else about["image_ids"][0]
        reply = cache.worker().call("image", owner=session.owner(), image=image)
        held = subject_from(
            reply,
            label=about["label"] if alone else about["labels"][0],
            model=about["model"],
            spec=spec_of(about["model"]),
            seed=about["seed"],
            alpha=about["config"].get("confirm", about["config"])["alpha"],
            device=about["device"],
        )
        session.keep_asked(job, held)
    return held


def is_same(one: session.Subject, other: session.Subject) -> bool:
    """Whether two subjects ask for the same numbers."""
    names = ("image", "seed", "alpha")
    same = all(getattr(one, name) == getattr(other, name) for name in names)
    return same and one.spec.name == other.spec.name


def noisy_copies(subject: session.Subject, sigmas: Sequence[float], owner: str) -> np.ndarray:
    """One noisy copy (S, C, H, W) of the image per sigma, as the network saw one.

    Raises:
        WorkerError: the image or the network is gone.
    """
    asked = {
        "image": subject.image,
        "model": subject.model,
        "sigmas": list(sigmas),
        "seed": subject.seed,
    }

    def ask() -> np.ndarray:
        return pixels_of(cache.worker().call("noise", owner=owner, **asked)["copies"])

    found: np.ndarray = cache.drawn(owner, json.dumps(asked), "copies", ask)
    return found


def pixels_of(data: dict[str, Any]) -> np.ndarray:
    """The array of its JSON form."""
    flat = np.frombuffer(base64.b64decode(data["base64"]), dtype=data["dtype"])
    return flat.reshape(data["shape"])
