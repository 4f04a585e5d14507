"""Adversarial training of networks that inject noise: Nemcovsky et al. (SIAM), sections 4 and 5."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rs_core.attacks.norms import per_image
from rs_core.fields import param
from rs_core.training.data import Batch
from rs_core.training.recipes.adversarial import Adversarial
from rs_core.training.view import NormalizedNetwork


@dataclass(frozen=True)
class NoiseInjection(Adversarial):
    """Cross-entropy at attacked points and at the images themselves, half each: SIAM's base model.

    For networks such as `resnet20-cpni`, whose noise strengths are learned like weights; others
    train so, too. Two settings make SIAM's finetunings of a trained network:

    EPGD (section 4.2): `noises` m = 8. Each step of the attack follows the mean of the gradients of
    m copies' cross-entropy, every one with noise of its own, and so does the update.

    Gauss (section 4.1, eq. 22): `clean_share` 0, `sigma` above 0, `attacked_share` q below 1. The
    network learns at x + eta, eta ~ N(0, sigma^2 I) + B delta with B ~ Ber(q) for each image.
    """

    clip: float = param(0.05, help="largest norm of the gradient, 0 for any", low=0, high=1e6)
    clean_share: float = param(0.5, help="weight of the images themselves", low=0, high=1)
    noises: int = param(1, help="noisy copies m of an image", low=1, high=1024)
    attacked_share: float = param(
        1.0, help="share q of the images that are attacked, drawn for each batch", low=0, high=1
    )

    @property
    def copies(self) -> int:
        """m."""
        return self.noises

    def attacked(
        self, network: NormalizedNetwork, batch: Batch, generator: torch.Generator
    ) -> Tensor:
        """Pixels (B, C, H, W) of [0,1], without noise: adversarial ones with probability q."""
        moved = super().attacked(network, batch, generator)
        if self.attacked_share == 1:
            return moved
        share = torch.rand(len(batch), generator=generator, device=moved.device)
        return torch.where(per_image(share < self.attacked_share), moved, batch.clean())
