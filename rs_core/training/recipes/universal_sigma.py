"""Training with noise of all strengths up to a limit."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rs_core.errors import ParameterError
from rs_core.training.recipes.recipe import NoiseRecipe


@dataclass(frozen=True)
class UniversalSigma(NoiseRecipe):
    """Noise drawn for each image afresh, uniformly from 0 to sigma (Hase et al., section 3.1).

    A network that takes sigma (`conv4-sigma`) is told each image's, and becomes their conditional
    classifier; any other learns to do without.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.per_image is not None:
            raise ParameterError(
                "universal_sigma draws every image's sigma and per_image assigns it: leave "
                "per_image out, or take the recipe gaussian."
            )

    @property
    def sigma_range(self) -> tuple[float, float]:
        """(0, sigma)."""
        return 0.0, self.sigma

    def draw_sigmas(self, count: int, generator: torch.Generator) -> Tensor:
        """`count` independent draws from U(0, sigma)."""
        return torch.rand(count, generator=generator, device=generator.device) * self.sigma
