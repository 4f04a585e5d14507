"""JSON values of a table become a recipe, a selector, a guarantee, a network's description.

The one place where they do: what a table may say is what is built here.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from rs_core.datasets import Dataset
from rs_core.errors import ParameterError, UnknownNameError
from rs_core.experiments.pairs import Pair
from rs_core.guarantees import GUARANTEES, Guarantee
from rs_core.papers.table import Certified, Choice, Row, Training
from rs_core.results import ModelSpec
from rs_core.selectors import SELECTORS, Selector
from rs_core.training import RECIPES, Recipe

T = TypeVar("T")


def recipe_of(choice: Choice) -> Recipe:
    """The recipe with these settings; those left out have their defaults.

    Raises:
        UnknownNameError: no such recipe.
        ParameterError: an unknown setting, or a value out of its range.
    """
    return _built(RECIPES, "recipe", choice.name, choice.settings)


def selector_of(choice: Choice) -> Selector:
    """The selector; errors as of `recipe_of`."""
    return _built(SELECTORS, "selector", choice.name, choice.settings)


def pair_of(row: Row, certified: Certified) -> Pair:
    """The row's selector with its guarantee, which draws as the table says.

    A guarantee of declared sigmas declares what the selector can answer, unless they are named.

    Raises:
        UnknownNameError: no such selector or guarantee.
        ParameterError: an unknown setting, a pair that makes no sense, or l1 radii, which a
            certification log does not hold.
    """
    selector, choice = selector_of(row.selector), row.guarantee
    settings: dict[str, Any] = {"n0": certified.n0, "n": certified.n, "alpha": certified.alpha}
    settings |= dict(choice.settings)
    guarantee: Guarantee = _built(GUARANTEES, "guarantee", choice.name, settings)
    if "sigmas" not in settings:
        guarantee = guarantee.declaring(selector.possible_sigmas)
    if guarantee.norm != "l2":
        raise ParameterError(
            f"{choice.name} certifies {guarantee.norm} radii, and a table's logs hold l2 radii: "
            "take a guarantee of l2."
        )
    return Pair(selector, guarantee.under(str(selector)))


def spec_of(training: Training, data: Dataset, name: str) -> ModelSpec:
    """The description of the network before it is trained on this data."""
    height, width, channels = data.images.shape[1:]
    return ModelSpec(
        name=name,
        architecture=training.architecture,
        input_shape=(channels, height, width),
        class_names=data.class_names,
        options=dict(training.options),
        mean=training.mean,
        std=training.std,
    )


def _built(registry: Mapping[str, type[T]], kind: str, name: str, settings: Mapping[str, Any]) -> T:
    if name not in registry:
        raise UnknownNameError(kind, name, registry)
    known = {own.name for own in fields(registry[name])}  # type: ignore[arg-type]
    if unknown := sorted(settings.keys() - known):
        raise ParameterError(
            f"{unknown[0]!r} is no setting of the {kind} {name}: it has {', '.join(sorted(known))}."
        )
    return registry[name](**settings)
