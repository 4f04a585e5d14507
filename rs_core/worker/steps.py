"""A step as JSON values: what a live figure draws."""

from functools import lru_cache
from typing import Any

import numpy as np

from rs_core.events import PhaseStep, Step
from rs_core.experiments import CompareStep, TrialStep
from rs_core.experiments.sandwich import SandwichStep
from rs_core.experiments.studies import StudyStep
from rs_core.results import to_json
from rs_core.results.study import Study
from rs_core.smoothing.sweep import SweepStep
from rs_core.worker.train_step import TrainStep

_SHOWN = ("done", "total", "sigmas", "lower", "upper", "predicted", "n_done")


def step_json(step: Step) -> dict[str, Any] | None:
    """The step's fields, arrays as lists and open ends null; None for a bare count of draws.

    A sweep's steps say more than how far it is: the band of the curve so far. The draws that
    choose the classes, and those that certify the best sigma again, leave it as it was. Runs over
    several images say in words what is being done; a comparison adds the scores of the methods
    that are finished, which are few numbers beside their certificates, a study the points so far,
    and an attack what it has climbed. A training tells its whole course, which it keeps as JSON
    values: it is the same for all the steps of an epoch.
    """
    if isinstance(step, TrainStep):
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
