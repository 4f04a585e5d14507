"""A recipe as a paper used it, and what several papers share."""

from dataclasses import dataclass
from typing import Any

from rs_core.training.recipes.recipe import Recipe

CIFAR_MEAN, CIFAR_STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
RAW: dict[str, Any] = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
GREY: dict[str, Any] = {"mean": (0.0,), "std": (1.0,)}


@dataclass(frozen=True)
class Preset:
    """A recipe as a paper used it.

    Fields:
        recipe: its settings.
        name: of the recipe, in `RECIPES`.
        architecture, dataset: names of `MODELS` and of the data sets.
        mean, std: the normalisation that belongs to the network; empty: measured on the data.
        source: the paper, and what is ours.
    """

    recipe: Recipe
    name: str
    architecture: str
    dataset: str
    source: str
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
