"""How many noisy copies a comparison or a sandwich will cost, said before it starts."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Settings = Mapping[str, Any]
_TOO_MANY = 100_000  # levels: settings that no selector takes are not counted out
_GRADIENT = 3  # forward passes that a pass forward and backward takes as long as
_CLEAN = 16  # noisy copies that say whether an image is misclassified as it is
_JUDGED = 22  # judgements of a search beside two for each round of bisection


def choosing_draws(selector: str, settings: Settings) -> int:
    """The most noisy copies that a selector spends on one image; 0 for one that draws none.

    Args:
        selector: its name in `SELECTORS`.
        settings: all of its fields.
    """
    count = _DRAWS.get(selector)
    return count(settings) if count else 0


def certifying_draws(guarantee: str, levels: int, n0: int, n: int) -> int:
    """The noisy copies of one certificate: the grid minimum certifies every declared sigma.

    Args:
        guarantee: its name in `GUARANTEES`.
        levels: how many sigmas the selector may answer, see `declared_levels`.
        n0, n: copies that choose the class and that certify it, per sigma.
    """
    return (levels if guarantee == "grid_minimum" else 1) * (n0 + n)


def declared_levels(selector: str, settings: Settings) -> int:
    """How many sigmas a selector can answer; 0 where its answers fill an interval."""
    count = _LEVELS.get(selector)
    return count(settings) if count else 0


def comparison_draws(
    methods: Sequence[Mapping[str, Any]], *, images: int, sigmas: int, n0: int, n: int
) -> int:
    """The most noisy copies of a whole comparison, the curves among them.

    Args:
        methods: the task's, each with "selector", "settings", "guarantee".
        images: how many.
        sigmas: noise levels of the curves, 0 for none.
        n0, n: copies that choose the class and that certify it.
    """
    each = sum(
        choosing_draws(m["selector"], m["settings"])
        + certifying_draws(
            m["guarantee"], declared_levels(m["selector"], m["settings"]) or 1, n0, n
        )
        for m in methods
    )
    return images * (each + sigmas * (n0 + n))


def sandwich_passes(config: Mapping[str, Any], *, images: int) -> int:
    """The most forward passes of sandwiches; one with its gradient counts as three.

    The copies with which an attack on the pipeline picks sigma again are among them, though the
    run's own count leaves them out.

    Args:
        config: the task's settings, all of them.
        images: how many.
    """
    asked, square = config["selector"], config["attack"] == "square"
    choosing = choosing_draws(asked["selector"], asked["settings"]) if asked else 0
    rounds, restarts = config["rounds"], config["restarts"]
    looks = (rounds + (config["attack"] != "bisection")) * config["steps"]
    attack = restarts * search_passes(
        config["attack"], looks=looks, draws=config["draws"], rounds=rounds, judged=config["judged"]
    )
    attack += config["confirmations"] * config["confirm_n"]
    each = choosing + config["n0"] + config["n"] + attack
    if config["pipeline"]:
        every = 1 if square else config["reselect"]
        picks = restarts * (1 + looks // every + _JUDGED + 2 * rounds) + config["confirmations"]
        each += attack + picks * choosing
    return images * int(each)


def search_passes(attack: str, *, looks: int, draws: int, rounds: int, judged: int) -> int:
    """Forward passes of one search for the upper end of one image, all judgements included.

    A round judges its best and its last point; what DDN ends with is pushed out, drawn in and
    judged again, and so is what the whole search ends with, but drawn in further.
    """
    decay, end = 5 + 1 + 2, 5 + 8
    if attack == "square":
        return _CLEAN + (looks + end) * judged
    judgements = 2 * rounds + decay * (attack == "minimal") + end
    return _CLEAN + _GRADIENT * draws * looks + judgements * judged


def sandwiches_spent(result: Mapping[str, Any]) -> int:
    """Forward passes that finished sandwiches cost, of their strip's JSON form."""
    spent = 0
    for one in result.get("sandwiches", ()):
        spent += int(one["certificate"]["draws"])
        for attack in (one["attack"], one["pipeline"]):
            if attack is not None:
                spent += int(_GRADIENT * attack["passes"])
                spent += sum(int(said["n"]) for said in attack["confirmations"])
    return spent


def _grid_levels(settings: Settings) -> int:
    low, high, step = (float(settings[k]) for k in ("sigma_min", "sigma_max", "interval"))
    if not 0 < (high - low) / step < _TOO_MANY:
        return _TOO_MANY
    near = 1e-9 * step
    first, last = math.floor(low / step) + 1, math.ceil(high / step) - 1
    inside = sum(low + near < k * step < high - near for k in range(first, last + 1))
    both = settings.get("ends", True)  # a run of an earlier version does not name it
    return inside + sum(both or abs(end / step - round(end / step)) < 1e-9 for end in (low, high))


def _greedy_levels(settings: Settings) -> int:
    return max(int(settings["evaluations"]) // int(settings["n"]), 1)


_LEVELS: dict[str, Callable[[Settings], int]] = {
    "fixed": lambda settings: 1,
    "grid": _grid_levels,
    "greedy_grid": _greedy_levels,
    "multistart": lambda settings: int(settings["levels"]),
    "multistart_uniform": lambda settings: int(settings["levels"]),
}
_DRAWS: dict[str, Callable[[Settings], int]] = {
    "grid": lambda settings: _grid_levels(settings) * int(settings["n"]),
    "greedy_grid": lambda settings: _greedy_levels(settings) * int(settings["n"]),
    "gradient": lambda settings: int(settings["steps"]) * int(settings["n"]),
    "multistart": lambda settings: int(settings["levels"]) * int(settings["m"]),
    "multistart_uniform": lambda settings: int(settings["levels"]) * int(settings["m"]),
}
