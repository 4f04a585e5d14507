"""Variances that grow where they may: Chen et al. (2021), Algorithm 2."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rs_core.errors import ParameterError
from rs_core.fields import param
from rs_core.training.data import Batch
from rs_core.training.per_image.base import ROWS, Assigns, PerImage, noisy_logits
from rs_core.training.view import NormalizedNetwork

_CAP = 1 - 1e-6  # a mean score of 1 would be an infinite radius, and none is larger


@dataclass(frozen=True)
class Insta(PerImage):
    """All images begin at sigma; every few epochs an image's variance moves by sigma^2, or stays.

    Down where the mean score of m copies names another class than the label; up where it names
    the label here and one variance further, and the soft radius is larger there. Between 1 and
    `levels` times sigma^2: the paper prints the two limits exchanged, so that a step down could
    reach 0 and one up would jump to the top. Both variances see the same noise. After the first
    stage all sigmas stay.
    """

    levels: int = param(16, help="largest variance, in units of sigma^2", low=2, high=1000)
    period: int | None = param(
        None, help="epochs between updates; a fifteenth of the stage by default", low=1, high=10_000
    )
    n: int = param(8, help="noisy copies m of an image and variance", low=1, high=ROWS)
    first_epochs: int | None = param(
        None, help="epochs in which sigmas move; half of all by default", low=1, high=10_000
    )

    def sigma_range(self, sigma: float) -> tuple[float, float]:
        """(sigma, sigma sqrt(levels))."""
        return sigma, sigma * float(self.levels) ** 0.5

    def stage(self, epochs: int) -> int:
        """Epochs of the first stage."""
        return max(epochs // 2, 1) if self.first_epochs is None else self.first_epochs

    def every(self, epochs: int) -> int:
        """Epochs between updates."""
        return self.period or max(self.stage(epochs) // 15, 1)

    def check(self, sigma: float, epochs: int) -> None:
        """Refuse a first stage longer than the training, and one without an update."""
        super().check(sigma, epochs)
        stage, every = self.stage(epochs), self.every(epochs)
        if stage > epochs:
            raise ParameterError(
                f"first_epochs={stage} is more than all {epochs} epochs: give fewer."
            )
        if every > stage:
            raise ParameterError(
                f"period={every} is longer than the {stage} epochs in which sigmas move: give a "
                "shorter one."
            )

    def assigns(self, epoch: int, epochs: int) -> Assigns:
        """Every batch of the stage's epochs number L, 2L, ..."""
        due = (epoch + 1) % self.every(epochs) == 0
        return "batch" if due and epoch < self.stage(epochs) else "nothing"

    @torch.no_grad()
    def assigned(
        self,
        network: NormalizedNetwork,
        batch: Batch,
        sigmas: Tensor,
        sigma: float,
        generator: torch.Generator,
    ) -> Tensor:
        """max(v - sigma^2, sigma^2), v, or min(v + sigma^2, levels sigma^2) of each variance v."""
        level = (sigmas / sigma).square().round()
        pair = sigma * torch.stack([level, level + 1], dim=1).sqrt()
        found = torch.empty_like(sigmas)
        for own, each in noisy_logits(network, batch.clean(), pair, self.n, generator):
            move = moves(each.softmax(dim=-1).mean(dim=2), pair[own], batch.labels[own])
            found[own] = sigma * (level[own] + move).clamp(1, self.levels).sqrt()
        return found


def moves(means: Tensor, pair: Tensor, labels: Tensor) -> Tensor:
    """How variances move, -1, 0 or 1 (b,), by mean scores (b, 2, K) at one and at the next."""
    best, answers = means.max(dim=-1)
    radius = pair * torch.special.ndtri(best.clamp(max=_CAP))
    right = answers == labels[:, None]
    up = right[:, 0] & right[:, 1] & (radius[:, 0] < radius[:, 1])
    move: Tensor = up.float() - (~right[:, 0]).float()
    return move
