"""Training with noise of one fixed sigma."""

from dataclasses import dataclass

from rs_core.training.recipes.recipe import NoiseRecipe


@dataclass(frozen=True)
class Gaussian(NoiseRecipe):
    """Noise of one fixed sigma on every image (Cohen et al. 2019, section 3.3)."""
