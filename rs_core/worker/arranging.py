"""The answer of a verb that computes at once: how a rule arranges the points of a finished run."""

from typing import Any

import numpy as np

from rs_core.errors import ParameterError
from rs_core.experiments import arrange
from rs_core.results import from_json, to_json
from rs_core.results.arrangement import Points
from rs_core.store import Run
from rs_core.worker.asking import images_in
from rs_core.worker.requests import shortened


def arrangement_of(run: Run, result: Any, rule: str, order: Any) -> dict[str, Any]:
    """The arrangement of a finished run of kind "points", as JSON values.

    Raises:
        ParameterError: another kind of run, not finished, an unknown rule or order.
    """
    if run.kind != "points" or result is None:
        raise ParameterError(
            "only finished points can be arranged: certify them first, and wait for the end."
        )
    if not isinstance(order, str | list):
        raise ParameterError(f"order={shortened(order)} must be a word or a list of points.")
    pixels = np.stack([image.pixels for image in images_in(run.request)])
    found: dict[str, Any] = to_json(arrange(from_json(Points, result), pixels, rule, order))
    return found
