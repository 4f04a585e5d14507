"""Adversarial training of the network itself: Madry et al. (2018), and SIAM's mixed loss."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rs_core.attacks import perturb
from rs_core.attacks.norms import Norm, check_radius
from rs_core.fields import param
from rs_core.training.data import Batch
from rs_core.training.recipes.recipe import Recipe, hits
from rs_core.training.view import NormalizedNetwork


@dataclass(frozen=True)
class Adversarial(Recipe):
    """Cross-entropy at points that attack the network, mixed with that at the images themselves.

    The attack starts at random and climbs in evaluation mode. With `sigma` above 0 images and
    points have the same noise. SIAM's networks weigh both losses equally (`clean_share` .5).
    """

    sigma: float = param(0.0, help="noise, 0 for none", unit="pixels of [0,1]", low=0, high=10)
    norm: Norm = param("linf", help="ball of the attack", choices=("l2", "linf"))
    eps: float = param(
        8 / 255, help="radius of the attack", unit="pixels of [0,1]", low=0, low_open=True, high=100
    )
    steps: int = param(7, help="steps of the attack", low=1, high=1000)
    step_share: float = param(
        0.25, help="length of a step as a share of eps", low=0, low_open=True, high=10
    )
    clean_share: float = param(0.0, help="weight of the images themselves", low=0, high=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_radius(self.norm, self.eps)

    def batch_loss(
        self, network: NormalizedNetwork, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mean loss () of both kinds, and number of correct answers () at attacked points."""
        moved = self.attacked(network, batch, generator)
        points = (moved[:, None] + batch.noise_planes()).flatten(0, 1)
        logits = network.of_pixels(batch.sigmas)(points)
        loss, right = self.entropy(logits, batch.labels), hits(logits, batch.labels)
        if self.clean_share:
            sigmas = batch.sigmas.repeat_interleave(batch.copies)
            plain = self.entropy(network(batch.noisy_inputs(), sigmas), batch.labels)
            loss = loss.lerp(plain, self.clean_share)
        return loss, right

    def attacked(
        self, network: NormalizedNetwork, batch: Batch, generator: torch.Generator
    ) -> Tensor:
        """Adversarial pixels (B, C, H, W) of [0,1], without noise."""
        with network.frozen():
            return perturb(
                network.of_pixels(batch.sigmas), batch.clean(), batch.labels,
                eps=self.eps, steps=self.steps, generator=generator, noise=batch.noise_planes(),
                norm=self.norm, step_size=self.step_share * self.eps, random_start=True,
                expectation="loss",
            )  # fmt: skip
