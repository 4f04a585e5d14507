"""How many forward passes an attack will cost, said before it starts."""

from collections.abc import Callable, Mapping
from typing import Any

from rs_core.evaluation.cost import choosing_draws

Settings = Mapping[str, Any]
_BACKWARD = 3  # a pass forward and back counts as three forward passes
_QUERIES, _TRIES = 100, 10  # of the self-check
_BLIND = {"square": "queries", "gaussian": "tries"}  # attacks without gradients, and their passes


def trial_passes(config: Mapping[str, Any]) -> int:
    """About the most forward passes of one image; a pass forward and back counts as three.

    Args:
        config: of the worker's task "attack", with all fields of the attack, the selector and n
            and confirmations of the confirmation.
    """
    name, settings, selector = config["attack"], config["settings"], config["selector"]
    smoothed = selector is not None or settings["sigma"] is not None
    picking = 0 if selector is None else choosing_draws(selector["selector"], selector["settings"])
    copies = settings["judged"] if smoothed else 1
    looking = _looking(name, settings, copies) + picking * (1 + _picks(name, settings))
    asked = (config["confirm"]["n"] if smoothed else 1) + picking
    total = looking + (config["confirm"]["confirmations"] + 2) * asked
    if config["check"]:
        total += 2 * looking + (_QUERIES + _TRIES) * copies + 2 * picking
    return int(total)


def _looking(name: str, settings: Settings, copies: int) -> int:
    if name in _BLIND:
        return int(settings[_BLIND[name]]) * copies
    return _BACKWARD * _STEPS[name](settings) * int(settings["draws"])


def _picks(name: str, settings: Settings) -> int:
    """How often a selector picks sigma again under way."""
    if not settings["reselect"]:
        return 0
    if name in _BLIND:
        return int(settings[_BLIND[name]])
    return int(_STEPS[name](settings) // settings["reselect"])


def _runs(settings: Settings) -> int:
    return int(settings["restarts"] * max(settings["targets"], 1) * settings["steps"])


def _minimal(settings: Settings) -> int:
    decays = settings["method"] != "bisection" and settings["norm"] == "l2"
    bisects = settings["method"] != "decay" or settings["norm"] != "l2"
    return int((decays + (settings["rounds"] if bisects else 0)) * settings["steps"])


_STEPS: dict[str, Callable[[Settings], int]] = {
    "fgsm": _runs,
    "pgd": _runs,
    "epgd": _runs,
    "minimal": _minimal,
    "ddn": lambda settings: int(settings["steps"]),
    "cw": lambda settings: int(settings["steps"] * settings["rounds"]),
}
