"""What an attack climbs, per noisy copy, and how copies become one number per image."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import softplus

Loss = Literal["cross-entropy", "margin"]
Expectation = Literal["loss", "probability"]


@dataclass(frozen=True, eq=False)
class Objective:
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

    def part(self, first: int, last: int) -> "Objective":
        """The objective of images first, ..., last - 1."""
        targets = None if self.targets is None else self.targets[first:last]
        return Objective(self.labels[first:last], targets, self.loss, self.expectation)

    def repeated(self, times: int) -> "Objective":
        """The objective of as many groups of the same images, one after another."""
        targets = None if self.targets is None else self.targets.repeat(times)
        return Objective(self.labels.repeat(times), targets, self.loss, self.expectation)

    def aimed_at(self, targets: Tensor) -> "Objective":
        """The same objective with classes to reach."""
        return Objective(self.labels, targets, self.loss, self.expectation)

    def each(self, logits: Tensor) -> Tensor:
        """What to ascend, per copy: (b, j) of logits (b, j, K).

        The cross-entropy is log(1 + exp(u)) with u = logsumexp of the other classes minus the
        class's own logit: the same number, but its gradient keeps its direction where the
        softmax has rounded to 1.
        """
        index = self._index(logits)
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

    def logit_gradient(self, logits: Tensor) -> Tensor:
        """(b, j, K): the derivative of `over_copies(each(logits))` of each image to its logits.

        The commonest objective's is written out, which costs a fifth of what autograd's small steps
        take. Of the class's own logit it is minus the sum of the others, not softmax minus 1, so
        that its direction, too, outlives a softmax that has rounded to 1.
        """
        if self.loss == "cross-entropy" and self.expectation == "loss":
            index = self._index(logits)
            scores = logits.detach().softmax(dim=-1).scatter_(-1, index, 0.0)
            scores.scatter_(-1, index, -scores.sum(dim=-1, keepdim=True))
            return scores.div_(logits.shape[1] if self.targets is None else -logits.shape[1])
        with torch.enable_grad():
            alone = logits.detach().requires_grad_(True)
            value = self.over_copies(self.each(alone)).sum()
            (pull,) = torch.autograd.grad(value, alone)
        return pull

    def weights(self, parts: Tensor, copies: Tensor) -> Tensor:
        """(p, b): the derivative of what all copies of an image are worth to each part of them.

        Args:
            parts: (p, b) what `over_copies` said of each part.
            copies: (p,) how many copies each part has.
        """
        shares = (copies / copies.sum())[:, None]
        if self.expectation == "loss":
            return shares.expand_as(parts)
        sign = -1.0 if self.targets is None else 1.0
        return (sign * parts + shares.log()).softmax(dim=0)

    def reached(self, votes: Tensor) -> Tensor:
        """(b,) whether votes (b, K) go elsewhere (to the targets) by more than a tie."""
        own = self._own
        mine = votes.gather(1, own[:, None]).squeeze(1)
        other = votes.scatter(1, own[:, None], -1.0).amax(dim=1)
        return other > mine if self.targets is None else mine > other

    @property
    def _own(self) -> Tensor:
        """(b,) the class whose score counts: the one to reach, or the one to leave."""
        return self.labels if self.targets is None else self.targets

    def _index(self, logits: Tensor) -> Tensor:
        """(b, j, 1), where that class's logit is found."""
        return self._own[:, None, None].expand(-1, logits.shape[1], 1)
