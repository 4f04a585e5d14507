"""Training with noise of one fixed sigma."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rs_core.training.recipes.recipe import NoiseRecipe


@dataclass(frozen=True)
class Gaussian(NoiseRecipe):
    """Noise of one fixed sigma on every image (Cohen et al. 2019, section 3.3)."""

    @property
    def sigma_range(self) -> tuple[float, float]:
        """(sigma, sigma)."""
        return self.sigma, self.sigma

    def draw_sigmas(self, count: int, generator: torch.Generator) -> Tensor:
        """The fixed sigma, `count` times."""
        return torch.full((count,), self.sigma, device=generator.device)
