"""Certified points of a finished run, and what a rule leaves of them: asked once, then kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rs_core.results import from_json
from rs_core.results.arrangement import Arrangement, Points
from rs_ui import caching, session


@dataclass(frozen=True, eq=False)
class Mapped:
    """A finished run of kind "points".

    Fields:
        job: the run.
        images: the worker's ids of its points, by index.
        points: its result.
        about: what was asked.
    """

    job: str
    images: tuple[str, ...]
    points: Points
    about: dict[str, Any]

    def order(self, ids: Sequence[str]) -> tuple[int, ...]:
        """The points with these ids, in this order; ids that were not certified are left out."""
        places = {image: k for k, image in enumerate(self.images)}
        return tuple(places[image] for image in ids if image in places)


def mapped_of(job: str, about: dict[str, Any], result: Any) -> Mapped:
    """The run of a finished status."""

    def read() -> Mapped:
        return Mapped(job, tuple(about["image_ids"]), from_json(Points, result), about)

    found: Mapped = caching.drawn(session.owner(), job, "points", read)
    return found


def arranged(mapped: Mapped, rule: str, order: Sequence[int]) -> Arrangement:
    """The arrangement of points in an order.

    Raises:
        WorkerError: the run is gone, or the worker cannot be reached.
    """
    owner = session.owner()

    def ask() -> Arrangement:
        reply = caching.worker().call(
            "arrange", owner=owner, job=mapped.job, rule=rule, order=list(order)
        )
        return from_json(Arrangement, reply["arrangement"])

    found: Arrangement = caching.drawn(owner, mapped.job, f"{rule} {list(order)}", ask)
    return found
