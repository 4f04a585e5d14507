"""What an attack climbs, per noisy copy, and how copies become one number per image."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

Loss = Literal["cross-entropy", "margin"]
Expectation = Literal["loss", "probability"]


@dataclass(frozen=True, eq=False)
class Goal:
    """Where images shall go: away from `labels` (b,), to `targets` (b,) where given.

    `expectation` says how noisy copies are averaged: "loss" takes the mean of the loss, so the
    gradient is the mean of the copies' gradients (Nemcovsky et al., EPGD); "probability" takes
    -log of the mean softmax score (Salman et al. 2019, SmoothAdv), which belongs to the
    cross-entropy.
    """

    labels: Tensor
    targets: Tensor | None = None
    loss: Loss = "cross-entropy"
    expectation: Expectation = "loss"

    def part(self, first: int, last: int) -> "Goal":
        """The goal of images first, ..., last - 1."""
        targets = None if self.targets is None else self.targets[first:last]
        return Goal(self.labels[first:last], targets, self.loss, self.expectation)

    def aimed_at(self, targets: Tensor) -> "Goal":
        """The same goal with classes to reach."""
        return Goal(self.labels, targets, self.loss, self.expectation)

    def each(self, logits: Tensor) -> Tensor:
        """What to climb, per copy: (b, j) of logits (b, j, K).

        The cross-entropy is log(1 + exp(u)) with u = logsumexp of the other classes minus the
        class's own logit: the same number, but its gradient keeps its direction where the
        softmax has rounded to 1.
        """
        own = self.labels if self.targets is None else self.targets
        index = own[:, None, None].expand(-1, logits.shape[1], 1)
        score = logits.gather(-1, index).squeeze(-1)
        others = logits.scatter(-1, index, -torch.inf)
        if self.loss == "margin":
            gap = others.amax(dim=-1) - score
            return gap if self.targets is None else -gap
        entropy = softplus(others.logsumexp(dim=-1) - score, threshold=50)
        return entropy if self.targets is None else -entropy

    def over_copies(self, each: Tensor) -> Tensor:
        """(b,) of (b, j): the copies as one number."""
        if self.expectation == "loss":
            return each.mean(dim=1)
        copies = each.shape[1]
        log = each.new_full((), copies).log()  # a number moved to a GPU would wait for it
        if self.targets is None:
            return log - torch.logsumexp(-each, dim=1)
        return torch.logsumexp(each, dim=1) - log

    def shares(self, parts: Tensor, copies: Tensor) -> tuple[Tensor, Tensor]:
        """One number of several parts of an image's copies, and the weight of each part.

        Args:
            parts: (p, b) what `over_copies` said of each part.
            copies: (p,) how many copies each part has.

        Returns:
            (b,) for all copies together, and (p, b) the derivative of it to each part.
        """
        weights = (copies / copies.sum())[:, None]
        if self.expectation == "loss":
            return (weights * parts).sum(dim=0), weights.expand_as(parts)
        sign = -1.0 if self.targets is None else 1.0
        logs = sign * parts + weights.log()
        return sign * logs.logsumexp(dim=0), logs.softmax(dim=0)

    def reached(self, votes: Tensor) -> Tensor:
        """(b,) whether votes (b, K) go elsewhere (to the targets) by more than a tie."""
        own = self.labels if self.targets is None else self.targets
        mine = votes.gather(1, own[:, None]).squeeze(1)
        other = votes.scatter(1, own[:, None], -1.0).amax(dim=1)
        return other > mine if self.targets is None else mine > other
