"""A step as JSON values: what a live figure draws."""

from typing import Any

import numpy as np

from rs_core.comparing import CompareStep
from rs_core.events import PhaseStep, Step
from rs_core.results import to_json
from rs_core.smoothing.sweep import SweepStep
from rs_core.worker.train_step import TrainStep

_SHOWN = ("done", "total", "sigmas", "lower", "upper", "predicted", "n_done")


def step_json(step: Step) -> dict[str, Any] | None:
    """The step's fields, arrays as lists and open ends null; None for a bare count of draws.

    A sweep's steps say more than how far it is: the band of the curve so far. The draws that
    choose the classes, and those that certify the best sigma again, leave it as it was. Runs over
    several images say in words what is being done; a comparison adds the scores of the methods
    that are finished, which are few numbers beside their certificates. A training tells its whole
    course, which it keeps as JSON values: it is the same for all the steps of an epoch.
    """
    if isinstance(step, TrainStep):
        return dict(vars(step))
    if isinstance(step, PhaseStep):
        told: dict[str, Any] = {"done": step.done, "total": step.total, "phase": step.phase}
        if isinstance(step, CompareStep):
            told["partial"] = {"methods": [to_json(score._asdict()) for score in step.scores]}
        return told
    if not isinstance(step, SweepStep):
        return None
    values = {name: getattr(step, name) for name in _SHOWN}
    shown: dict[str, Any] = to_json(
        {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in values.items()}
    )
    return shown
