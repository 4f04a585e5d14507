"""What a run would cost, by the engine's own count, or why it would be refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rs_core.errors import ParameterError
from rs_core.results import ModelSpec
from rs_core.selectors import Selector
from rs_core.worker.request import MAX_IMAGES, check_count, task_of
from rs_core.worker.requests import shortened
from rs_core.worker.tasks.base import TASKS, Origin, Task, selector_of
from rs_core.worker.tasks.kinds import GROUP_TASKS

SELECT = "select"
PRICED = (*TASKS, *GROUP_TASKS, SELECT)


@dataclass(frozen=True)
class Price:
    """What is known of a run before it starts.

    Fields:
        passes: forward passes at most; one with its backward pass counts as three.
        levels: of a selector, how many sigmas it can answer; 0 where they are no list.
    """

    passes: int
    levels: int = 0


def price_of(kind: str, config: Mapping[str, Any], spec: ModelSpec, count: int) -> Price:
    """The price of a run, or of the choices of a selector alone.

    A start about such images refuses in the same sentence; it may refuse what only the images
    or the loaded network show.

    Args:
        kind: one of `PRICED`.
        config: as a start of that kind takes it; of "select", "selector" and "settings".
        spec: of the network that would be asked.
        count: how many images.

    Raises:
        ParameterError, UnknownNameError: a setting is wrong, n could never certify, or the run
            would be larger than one may be.
    """
    if not 1 <= count <= MAX_IMAGES:
        raise ParameterError(f"count={count} is out of range: give 1 to {MAX_IMAGES} images.")
    check_count(count, spec)
    if kind == SELECT:
        selector = _selector(config)
        levels = len(selector.possible_sigmas or ())
        return Price(count * selector.most_draws, levels)
    task = task_of(kind, config, Origin("", tuple(range(count))))
    return Price(count * task.most_draws if isinstance(task, Task) else task.most_passes(count))


def _selector(config: Mapping[str, Any]) -> Selector:
    name, settings = config.get("selector"), config.get("settings", {})
    if not isinstance(name, str) or not isinstance(settings, dict):
        raise ParameterError(
            f"selector={shortened(name)} must be text, and its settings an object."
        )
    return selector_of(name, settings)
