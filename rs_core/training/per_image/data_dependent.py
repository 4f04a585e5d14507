"""A sigma ascended inside training: Alfarra et al. (2022), Algorithm 2."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rs_core.errors import ParameterError
from rs_core.fields import param
from rs_core.results import Norm
from rs_core.selectors.soft_radius import CLAMP, PAPER_CLAMP, differentiable_soft_radius
from rs_core.training.data import Batch, Distribution, standard_noise
from rs_core.training.per_image.base import ROWS, Assigns, PerImage
from rs_core.training.view import NormalizedNetwork


@dataclass(frozen=True)
class DataDependent(PerImage):
    """sigma ascends the soft radius before every step, from where the image's last step left it.

    Each of the K steps draws n fresh copies and takes the two classes that score highest there, as
    Algorithm 1 does. The network looks on in evaluation mode. With a step size of 1e-4 as
    published a sigma moves by .03 in 150 epochs; the default has that reach in 20. Under uniform
    noise on [-sigma, sigma] the radius is the l1 one, sigma (E_A - E_B).
    """

    takes_uniform: ClassVar[bool] = True

    steps: int = param(1, help="ascent steps K before an optimiser step", low=1, high=1000)
    n: int = param(1, help="noisy copies of an ascent step", low=1, high=ROWS)
    step_size: float = param(
        1e-3, help="length of a step per unit of gradient; 1e-4 as published", low=0, high=10
    )
    fixed_epochs: int = param(0, help="first epochs, in which all have sigma", low=0, high=10_000)
    sigma_min: float | None = param(
        None, help="lower bound, half of sigma by default", unit="pixels of [0,1]", low=0,
        low_open=True, high=10,
    )  # fmt: skip
    sigma_max: float | None = param(
        None, help="upper bound, twice sigma by default", unit="pixels of [0,1]", low=0, high=10
    )
    paper: bool = param(False, help="clamp the scores to (.02, .98) as published")

    def sigma_range(self, sigma: float) -> tuple[float, float]:
        """The bounds."""
        low = sigma / 2 if self.sigma_min is None else self.sigma_min
        return low, min(2 * sigma, 10.0) if self.sigma_max is None else self.sigma_max

    def check(self, sigma: float, epochs: int) -> None:
        """Refuse a start outside the bounds, and epochs that are all fixed."""
        super().check(sigma, epochs)
        low, high = self.sigma_range(sigma)
        if not low <= sigma <= high:
            raise ParameterError(
                f"sigma={sigma:g} lies outside sigma_min={low:g} and sigma_max={high:g}, between "
                "which it starts: change one of the three."
            )
        if self.fixed_epochs >= epochs:
            raise ParameterError(
                f"fixed_epochs={self.fixed_epochs} leaves none of {epochs} epochs: give fewer."
            )

    def assigns(self, epoch: int, epochs: int) -> Assigns:
        """Every batch, after the fixed epochs."""
        return "batch" if epoch >= self.fixed_epochs else "nothing"

    def assigned(
        self,
        network: NormalizedNetwork,
        batch: Batch,
        sigmas: Tensor,
        sigma: float,
        generator: torch.Generator,
    ) -> Tensor:
        """K steps of gradient ascent on sigma/2 (PhiInv(E_A) - PhiInv(E_B))."""
        pixels, size = batch.clean(), max(ROWS // self.n, 1)
        low, high = self.sigma_range(sigma)
        for _ in range(self.steps):
            slopes = [
                self._slope(network, some, at, batch.distribution, generator)
                for some, at in zip(
                    torch.split(pixels, size), torch.split(sigmas, size), strict=True
                )
            ]
            sigmas = (sigmas + self.step_size * torch.cat(slopes)).clamp(low, high)
        return sigmas

    def _slope(
        self,
        network: NormalizedNetwork,
        pixels: Tensor,
        sigmas: Tensor,
        distribution: Distribution,
        generator: torch.Generator,
    ) -> Tensor:
        """d radius / d sigma (b,), noise reparametrised; 0 where it is not finite."""
        shape = (len(pixels), self.n, *pixels.shape[1:])
        z = standard_noise(shape, distribution, generator)
        norm: Norm = "l1" if distribution == "uniform" else "l2"
        with torch.enable_grad():
            at = sigmas.clone().requires_grad_(True)
            copies = pixels[:, None] + at[:, None, None, None, None] * z
            logits = network.of_pixels(at)(copies.flatten(0, 1))
            means = logits.softmax(dim=-1).view(len(pixels), self.n, -1).mean(dim=1)
            radius = differentiable_soft_radius(
                at, means, PAPER_CLAMP if self.paper else CLAMP, norm
            )
            (slope,) = torch.autograd.grad(radius.sum(), at)
        return torch.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0)
