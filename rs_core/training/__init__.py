"""Training under noise: recipes, the one loop, checkpoints."""

from rs_core.training.history import EpochDone, Trained
from rs_core.training.recipes import Gaussian, NoiseRecipe, UniversalSigma

RECIPES: dict[str, type[NoiseRecipe]] = {
    "gaussian": Gaussian,
    "universal_sigma": UniversalSigma,
}

__all__ = [
    "RECIPES",
    "EpochDone",
    "Gaussian",
    "NoiseRecipe",
    "Trained",
    "UniversalSigma",
]
