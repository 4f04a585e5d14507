"""Recipes: what is minimised, one file each."""

from rs_core.training.recipes.adversarial import Adversarial
from rs_core.training.recipes.consistency import Consistency
from rs_core.training.recipes.dual_rs import DualRSPicker
from rs_core.training.recipes.gaussian import Gaussian
from rs_core.training.recipes.macer import Macer
from rs_core.training.recipes.noise_injection import NoiseInjection
from rs_core.training.recipes.preset import Preset
from rs_core.training.recipes.presets import PRESETS
from rs_core.training.recipes.recipe import NoiseRecipe, Recipe
from rs_core.training.recipes.smoothadv import SmoothAdv
from rs_core.training.recipes.universal_sigma import UniversalSigma

RECIPES: dict[str, type[Recipe]] = {
    "gaussian": Gaussian,
    "universal_sigma": UniversalSigma,
    "smoothadv": SmoothAdv,
    "macer": Macer,
    "consistency": Consistency,
    "adversarial": Adversarial,
    "dual_rs": DualRSPicker,
    "noise_injection": NoiseInjection,
}

__all__ = [
    "PRESETS",
    "RECIPES",
    "Adversarial",
    "Consistency",
    "DualRSPicker",
    "Gaussian",
    "Macer",
    "NoiseInjection",
    "NoiseRecipe",
    "Preset",
    "Recipe",
    "SmoothAdv",
    "UniversalSigma",
]
