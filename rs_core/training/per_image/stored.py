"""Sigmas that an earlier training assigned."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rs_core.errors import ParameterError
from rs_core.training.data import Batch
from rs_core.training.per_image.base import Assigns, PerImage
from rs_core.training.view import NormalizedNetwork


@dataclass(frozen=True)
class Stored(PerImage):
    """What the training of the first weights (`init`) assigned, unchanged.

    A second stage with another loss: Chen et al.'s setting 2 goes on with SmoothAdv where Gaussian
    noise has moved the sigmas.
    """

    def sigma_range(self, sigma: float) -> tuple[float, float]:
        """What is stored decides; the recipe's sigma stands for it."""
        return sigma, sigma

    def range_of(self, sigmas: Tensor, sigma: float) -> tuple[float, float]:
        """The smallest and the largest stored one."""
        return float(sigmas.min()), float(sigmas.max())

    def first(self, sigma: float, count: int, stored: Tensor | None) -> Tensor:
        """The stored ones; 0 where there are none, as when a checkpoint is resumed."""
        return torch.zeros(count) if stored is None else stored.clone()

    def check_begun(self, sigmas: Tensor) -> None:
        """Refuse to begin without stored ones."""
        if not bool((sigmas > 0).all()):
            raise ParameterError(
                "per_image stored needs the sigmas of an earlier training: begin with its model "
                "file (init), beside which NAME-ID.sigmas.npz lies."
            )

    def assigns(self, epoch: int, epochs: int) -> Assigns:
        """Nothing."""
        return "nothing"

    def assigned(
        self,
        network: NormalizedNetwork,
        batch: Batch,
        sigmas: Tensor,
        sigma: float,
        generator: torch.Generator,
    ) -> Tensor:
        """What they have."""
        return sigmas
