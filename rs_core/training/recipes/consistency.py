"""Noisy copies that agree: Jeong & Shin (2020), consistency regularisation."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rs_core.fields import param
from rs_core.training.data import Batch
from rs_core.training.recipes.recipe import RangedRecipe, check_minibatch, hits
from rs_core.training.view import NormalizedNetwork

_FLOOR = 1e-20  # of a mean softmax score, as published


@dataclass(frozen=True)
class Consistency(RangedRecipe):
    """Cross-entropy of m noisy copies, plus what they disagree about their own mean softmax.

    Per image lambda times the mean Kullback-Leibler divergence from that mean to each copy, and
    eta times its entropy; the gradient goes through the mean, too. A batch is cut into m
    minibatches, an optimiser step each, whose images all come with their m copies. No attack: m
    forward and backward passes an image.
    """

    batch_size: int = param(128, help="noisy copies per optimiser step", low=2, high=65_536)
    noises: int = param(2, help="noisy copies m of an image", low=2, high=1024)
    agreement: float = param(10.0, help="weight lambda of the copies' divergence", low=0, high=1e4)
    entropy_weight: float = param(
        0.5, help="weight eta of the mean softmax's entropy", low=0, high=100
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_minibatch(self.batch_size, self.noises)

    @property
    def copies(self) -> int:
        """m."""
        return self.noises

    @property
    def images_per_step(self) -> int:
        """One of a batch's m minibatches."""
        return self.batch_size // self.noises

    def batch_loss(
        self, network: NormalizedNetwork, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mean loss () and number of correct answers ()."""
        sigmas = batch.sigmas.repeat_interleave(batch.copies)
        logits = network(batch.noisy_inputs(), sigmas)
        disagreement = self.disagreement(logits.view(len(batch), batch.copies, -1)).mean()
        return self.fit(logits, batch) + disagreement, hits(logits, batch.labels)

    def fit(self, logits: Tensor, batch: Batch) -> Tensor:
        """Mean cross-entropy () of logits (B m, K)."""
        return self.entropy(logits, batch.labels)

    def disagreement(self, logits: Tensor) -> Tensor:
        """lambda mean_i KL(F || F_i) + eta H(F) (B,) of logits (B, m, K), F the mean softmax."""
        mean = logits.softmax(dim=2).mean(dim=1)
        certain = mean.clamp(min=_FLOOR).log()
        entropy = -(mean * certain).sum(dim=1)
        cross = -(mean[:, None] * logits.log_softmax(dim=2)).sum(dim=2).mean(dim=1)
        return self.agreement * (cross - entropy) + self.entropy_weight * entropy
