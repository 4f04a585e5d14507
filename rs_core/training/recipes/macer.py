"""Attack-free training that maximises a certified radius: Zhai et al. (2020), MACER."""

from dataclasses import dataclass

import torch
from torch import Tensor

from rs_core.fields import param
from rs_core.training.data import Batch
from rs_core.training.recipes.recipe import RangedRecipe, hits
from rs_core.training.view import NormalizedNetwork

_FLOOR = 1e-10  # of a mean softmax score, as published


@dataclass(frozen=True)
class Macer(RangedRecipe):
    """-log of the mean softmax over k copies, plus a hinge on the soft radius of correct images.

    The released code's form: of softmax(beta logits), averaged over the copies, the two largest
    scores give the gap PhiInv(first) - PhiInv(second); images whose first class is the label and
    whose gap is finite and at most gamma add (sigma/2)(gamma - gap), times lambda, divided by
    the whole batch. `deferral` leaves that term out of the first epochs. The paper's beta of 16
    belongs to its 16 copies: of the 4 here so sharp a softmax leaves too few with a slope.
    """

    batch_size: int = param(64, help="images per optimiser step", low=2, high=65_536)
    clip: float = param(1.0, help="largest norm of the gradient, 0 for any", low=0, high=1e6)
    noises: int = param(4, help="noisy copies k of an image", low=1, high=1024)
    beta: float = param(4.0, help="sharpness of the softmax", low=0, low_open=True, high=1000)
    gamma: float = param(8.0, help="largest gap that is still widened", low=0, high=100)
    robust_weight: float = param(1.0, help="weight lambda of the robust term", low=0, high=1e4)
    deferral: int = param(1, help="epochs without the robust term", low=0, high=10_000)

    @property
    def copies(self) -> int:
        """k."""
        return self.noises

    def batch_loss(
        self, network: NormalizedNetwork, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Mean loss () and number of correct answers ()."""
        sigmas = batch.sigmas.repeat_interleave(batch.copies)
        logits = network(batch.noisy_inputs(), sigmas)
        weight = self.robust_weight if batch.epoch >= self.deferral else 0.0
        each = logits.view(len(batch), batch.copies, -1)
        return self.loss(each, batch.labels, batch.sigmas, weight), hits(logits, batch.labels)

    def loss(self, logits: Tensor, labels: Tensor, sigmas: Tensor, weight: float) -> Tensor:
        """The loss () of logits (B, k, K) for labels and noise (B,), lambda = `weight`."""
        log_scores = (logits.softmax(dim=2).mean(dim=1) + _FLOOR).log()
        entropy = -log_scores.gather(1, labels[:, None]).squeeze(1)
        if self.label_smoothing:
            entropy = entropy.lerp(-log_scores.mean(dim=1), self.label_smoothing)
        if not weight:
            return entropy.mean()
        return (entropy + weight * self.hinge(logits, labels, sigmas)).mean()

    def hinge(self, logits: Tensor, labels: Tensor, sigmas: Tensor) -> Tensor:
        """(sigma/2)(gamma - gap) (B,) of the images that count, 0 of the others."""
        best = (self.beta * logits).softmax(dim=2).mean(dim=1).topk(2, dim=1)
        first, second = best.values.unbind(dim=1)
        with torch.no_grad():
            gap = torch.special.ndtri(first) - torch.special.ndtri(second)
            counts = (best.indices[:, 0] == labels) & gap.isfinite() & (gap <= self.gamma)
        # Filled in before PhiInv, whose infinite slope would make 0 times infinity of the others.
        first, second = first.where(counts, 0.75), second.where(counts, 0.25)
        gap = torch.special.ndtri(first) - torch.special.ndtri(second)
        return torch.where(counts, sigmas / 2 * (self.gamma - gap), 0.0)
