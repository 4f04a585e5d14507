"""How far a training is, for those who follow it."""

from dataclasses import dataclass
from typing import Any

from rs_core.events import PhaseStep


@dataclass(frozen=True)
class TrainStep(PhaseStep):
    """A training under way; `done` and `total` count optimiser steps.

    Fields:
        epoch: under way, from 1.
        loss: mean of the epoch so far; None where it is not known.
        images_per_second: while it had its turns, in this process.
        seconds_left: with what measures and certifies, without the turns of others.
        course: a `Course` as JSON values, made once per epoch.
        kept: whether all until here is on disk.
    """

    epoch: int
    loss: float | None
    images_per_second: float
    seconds_left: float
    course: dict[str, Any]
    kept: bool = False
