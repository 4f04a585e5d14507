"""Random sigmas first, then the best of a grid: Wang et al. (2021), Algorithm 1."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rs_core.errors import ParameterError
from rs_core.fields import param
from rs_core.selectors import Grid
from rs_core.statistics import l2_radius, lower_confidence_bound
from rs_core.training.data import Batch
from rs_core.training.per_image.base import Assigns, PerImage, noisy_logits
from rs_core.training.view import NormalizedNetwork


@dataclass(frozen=True)
class PretrainFinetune(PerImage):
    """sigma is drawn from [sigma_low, sigma] for each image and epoch, later picked on a grid.

    Before the first epoch of the finetuning all images get the sigma of equation 5: the largest
    radius, as n draws certify it at `alpha`, among the sigmas at which the label has most votes;
    sigma_low where there is none. The grid holds the multiples of `interval` and both ends. The
    paper's plug-in radius is infinite where all draws agree, hence the bound: of several such
    sigmas the largest wins.
    """

    sigma_low: float = param(
        0.12, help="smallest sigma", unit="pixels of [0,1]", low=0, low_open=True, high=10
    )
    interval: float = param(
        0.05, help="step of the grid", unit="pixels of [0,1]", low=0, low_open=True, high=10
    )
    n: int = param(100, help="draws per image and sigma; 500 as published", low=1, high=100_000)
    alpha: float = param(1e-3, help="level of the estimated radii", low=0, low_open=True, high=0.5)
    pretrain_epochs: int | None = param(
        None, help="epochs of random sigmas; half of all by default", low=1, high=10_000
    )

    def sigma_range(self, sigma: float) -> tuple[float, float]:
        """(sigma_low, sigma)."""
        return self.sigma_low, sigma

    def grid(self, sigma: float) -> Tensor:
        """Every sigma that can be picked: float64 (S,), ascending."""
        own = Grid(sigma_min=self.sigma_low, sigma_max=sigma, interval=self.interval)
        return torch.from_numpy(own.sigmas)

    def pretraining(self, epochs: int) -> int:
        """How many of the epochs have random sigmas."""
        return max(epochs // 2, 1) if self.pretrain_epochs is None else self.pretrain_epochs

    def check(self, sigma: float, epochs: int) -> None:
        """Refuse an empty range, a grid of too many sigmas, and a stage without epochs."""
        if not self.sigma_low < sigma:
            raise ParameterError(
                f"sigma_low={self.sigma_low:g} must lie below sigma={sigma:g}: change one."
            )
        super().check(sigma, epochs)
        self.grid(sigma)
        if self.pretraining(epochs) >= epochs:
            raise ParameterError(
                f"pretrain_epochs={self.pretraining(epochs)} leaves none of {epochs} epochs to "
                "finetune: give fewer, or more epochs."
            )

    def drawn(self, sigmas: Tensor, sigma: float, epoch: int, generator: torch.Generator) -> Tensor:
        """What was picked; before that, where sigmas are still 0, U(sigma_low, sigma)."""
        u = torch.rand(len(sigmas), generator=generator, device=sigmas.device)
        return torch.where(sigmas > 0, sigmas, self.sigma_low + (sigma - self.sigma_low) * u)

    def first(self, sigma: float, count: int, stored: Tensor | None) -> Tensor:
        """0 each: nothing is picked yet."""
        return torch.zeros(count)

    def assigns(self, epoch: int, epochs: int) -> Assigns:
        """All images, once."""
        return "all" if epoch == self.pretraining(epochs) else "nothing"

    @torch.no_grad()
    def assigned(
        self,
        network: NormalizedNetwork,
        batch: Batch,
        sigmas: Tensor,
        sigma: float,
        generator: torch.Generator,
    ) -> Tensor:
        """arg max of radius times correctness over the grid."""
        grid = self.grid(sigma)
        levels = grid.to(sigmas).expand(len(batch), -1)
        found = torch.empty_like(sigmas)
        for own, each in noisy_logits(network, batch.clean(), levels, self.n, generator):
            classes = each.shape[-1]
            votes = torch.nn.functional.one_hot(each.argmax(dim=-1), classes).sum(dim=2)
            picked = self._best(votes, batch.labels[own], grid)
            found[own] = grid.to(sigmas)[picked.to(sigmas.device)]
        return found

    def _best(self, votes: Tensor, labels: Tensor, grid: Tensor) -> Tensor:
        """Which sigma of the grid (S,) wins with votes (b, S, K); the first where none counts."""
        counts, answers = votes.max(dim=-1)
        lower = lower_confidence_bound(counts.cpu().numpy(), self.n, self.alpha)
        radius = torch.from_numpy(l2_radius(grid.numpy(), lower))
        return (radius * (answers == labels[:, None]).cpu()).argmax(dim=1)
