"""Adversarial training of the smoothed network: Salman et al. (2019), SmoothAdv."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rs_core.attacks import perturb, perturb_ddn
from rs_core.fields import param
from rs_core.training.data import Batch
from rs_core.training.recipes.recipe import RangedRecipe, check_minibatch, hits
from rs_core.training.view import NormalizedNetwork


@dataclass(frozen=True)
class SmoothAdv(RangedRecipe):
    """Cross-entropy at points that attack the smoothed network, on the noise that they attacked.

    The attack climbs -log of the mean softmax over m copies, in
    evaluation mode; the update is made in training mode. With `multi_noise` a batch is cut into
    m minibatches, an optimiser step each, whose images all come with their m copies; otherwise
    one copy of every image is learned, the first.
    """

    batch_size: int = param(
        128, help="noisy copies per optimiser step (images without multi_noise)", low=2, high=65_536
    )
    attack: str = param("pgd", help="who looks for the points", choices=("pgd", "ddn"))
    steps: int = param(2, help="steps k of the attack", low=1, high=1000)
    noises: int = param(2, help="noisy copies m of an image", low=1, high=1024)
    eps: float = param(
        0.5, help="radius of the attack", unit="pixels of [0,1]", low=0, low_open=True, high=100
    )
    eps_per_sigma: float = param(
        0.0, help="radius in units of each image's sigma, in place of eps; 0 for eps", low=0,
        high=100, later=True,
    )  # fmt: skip
    eps_warm_up: int = param(
        3, help="epochs over which eps grows to its full size", low=0, high=10_000
    )
    multi_noise: bool = param(True, help="learn all copies of an image, in smaller batches")
    ddn_gamma: float = param(
        0.05, help="share by which ddn changes the norm", low=0, high=1, low_open=True,
        high_open=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.multi_noise:
            check_minibatch(self.batch_size, self.noises, ", or turn multi_noise off")

    @property
    def copies(self) -> int:
        """m."""
        return self.noises

    @property
    def images_per_step(self) -> int:
        """A batch, or one of its m minibatches."""
        return self.batch_size // self.noises if self.multi_noise else self.batch_size

    def eps_in(self, epoch: int) -> float:
        """Radius of the attack in the epoch after `epoch` whole ones, without `eps_per_sigma`."""
        return self.eps * self._warmth(epoch)

    def _warmth(self, epoch: int) -> float:
        return min(1.0, (epoch + 1) / max(self.eps_warm_up, 1))

    def radii(self, batch: Batch) -> float | Tensor:
        """Radius of the attack, or (B,) one for each image (Chen et al. 2021, appendix B.2)."""
        if not self.eps_per_sigma:
            return self.eps_in(batch.epoch)
        return self.eps_per_sigma * self._warmth(batch.epoch) * batch.sigmas

    def batch_loss(
        self, network: NormalizedNetwork, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy () and number of correct answers () on attacked noisy copies."""
        moved, noise = self.attacked(network, batch, generator), batch.noise_planes()
        if not self.multi_noise:
            noise = noise[:, :1]
        logits = network.of_pixels(batch.sigmas)((moved[:, None] + noise).flatten(0, 1))
        return self.entropy(logits, batch.labels), hits(logits, batch.labels)

    def attacked(
        self, network: NormalizedNetwork, batch: Batch, generator: torch.Generator
    ) -> Tensor:
        """The images moved by the attack, (B, C, H, W) in [0,1], without their noise."""
        forward, eps = network.of_pixels(batch.sigmas), self.radii(batch)
        pixels, labels, noise = batch.clean(), batch.labels, batch.noise_planes()
        with network.frozen():
            if self.attack == "pgd":
                return perturb(
                    forward, pixels, labels,
                    eps=eps, steps=self.steps, generator=generator, noise=noise,
                )  # fmt: skip
            return perturb_ddn(
                forward, pixels, labels,
                eps=eps, steps=self.steps, generator=generator, noise=noise,
                gamma=self.ddn_gamma, first_norm=eps,
            )  # fmt: skip
