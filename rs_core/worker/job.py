"""A run that is open in this process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from rs_core.events import PhaseStep, Step, Stream
from rs_core.experiments import CompareStep, TrialStep
from rs_core.experiments.sandwich import SandwichStep
from rs_core.experiments.studies import StudyStep
from rs_core.results import to_json
from rs_core.results.study import Study
from rs_core.smoothing.sweep import SweepStep
from rs_core.store import OPEN, Claim, Progress


@dataclass(eq=False)
class Job:
    """A run, its stream and what is known of it so far.

    Fields:
        id, owner: as in the run store.
        open_stream: loads what the run needs and starts its stream; called in its first turn.
        claim: the right to compute it.
        lasting: whether it goes on when nobody follows it.
        working_folder: below the run's folder; deleted once there is a result, "" for none.
        about: what was asked, for those who follow.
        followed: when somebody last asked for it, on the bench's clock.
        effort: CPU seconds spent on it here.
        progress: its state, as the run store keeps it.
        done, total: of the latest step.
        step: the latest step that shows something, as JSON values.
        result: as JSON values, once finished.
    """

    id: str
    owner: str
    open_stream: Callable[[], Stream[Any]]
    claim: Claim
    lasting: bool = False
    working_folder: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    followed: float = 0.0
    effort: float = 0.0
    progress: Progress = field(default_factory=Progress)
    done: int = 0
    total: int = 0
    step: dict[str, Any] | None = None
    result: Any = None
    stream: Stream[Any] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is neither finished, failed nor cancelled."""
        return self.progress.state in OPEN

    def note(self, step: Step) -> None:
        """Remember a step for those who follow."""
        self.done, self.total = step.done, step.total
        shown = step_json(step)
        if shown is not None:
            self.step = shown


_SHOWN = ("done", "total", "sigmas", "lower", "upper", "predicted", "n_done")


def step_json(step: Step) -> dict[str, Any] | None:
    """The step's fields, arrays as lists and open ends null; None for a bare count of draws.

    A sweep's steps say more than how far it is: the band of the curve so far. The draws that
    choose the classes, and those that certify the best sigma again, leave it as it was. Runs over
    several images say in words what is being done; a comparison adds the scores of the methods
    that are finished, which are few numbers beside their certificates, a study the points so far,
    and an attack what it has climbed. A training tells its whole course and a paper's table its
    finished rows; they keep these as JSON values, the same for all the steps of an epoch or row.
    """
    if isinstance(step, KeptStep):
        return dict(vars(step))
    if isinstance(step, PhaseStep):
        told: dict[str, Any] = {"done": step.done, "total": step.total, "phase": step.phase}
        if isinstance(step, CompareStep):
            told["partial"] = {"methods": [to_json(score._asdict()) for score in step.scores]}
        if isinstance(step, SandwichStep):
            told["sandwiches"] = to_json(step.sandwiches)
        if isinstance(step, TrialStep):
            trace = {"losses": step.losses, "every": step.every, "nearest": step.nearest}
            told |= to_json(trace)
        if isinstance(step, StudyStep):
            told["partial"] = _study_json(step.partial)
        return told
    if not isinstance(step, SweepStep):
        return None
    values = {name: getattr(step, name) for name in _SHOWN}
    shown: dict[str, Any] = to_json(
        {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in values.items()}
    )
    return shown


@lru_cache(maxsize=4)
def _study_json(study: Study) -> dict[str, Any]:
    """A study under way has thousands of steps between two new points."""
    told: dict[str, Any] = to_json(study)
    return told


@dataclass(frozen=True)
class KeptStep(PhaseStep):
    """A step of a run that goes on from its disk; `kept` says that all until here is there."""

    kept: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class PaperStep(KeptStep):
    """A paper's table under way; `done` and `total` count forward passes.

    Fields:
        rows_done, rows: finished ones, and all.
        partial: the finished ones as a `RepeatedTable` in JSON values, made once a row; None while
            there is none.
    """

    rows_done: int
    rows: int
    partial: dict[str, Any] | None


@dataclass(frozen=True)
class TrainStep(KeptStep):
    """A training under way; `done` and `total` count optimiser steps.

    Fields:
        epoch: under way, from 1.
        loss: mean of the epoch so far; None where it is not known.
        images_per_second: while it had its turns, in this process.
        seconds_left: with what measures and certifies, without the turns of others.
        course: a `Course` as JSON values, made once per epoch.
    """

    epoch: int
    loss: float | None
    images_per_second: float
    seconds_left: float
    course: dict[str, Any]
