"""SGD and AdamW, the learning-rate curve and the running average of the weights."""

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

WARM_UP = 0.15
FIRST_RATE = 0.04


def make_optimiser(
    network: nn.Module,
    *,
    learning_rate: float,
    momentum: float,
    weight_decay: float,
    kind: str = "sgd",
    nesterov: bool = True,
    decay_all: bool = False,
) -> torch.optim.Optimizer:
    """SGD, or AdamW with `momentum` as its first beta; weight decay on kernels and matrices only.

    Decaying the batch-norm scales and the biases would only fight the normalisation; papers did
    (`decay_all`).
    """
    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {
            "params": [p for p in parameters if p.ndim <= 1],
            "weight_decay": weight_decay if decay_all else 0.0,
        },
    ]
    if kind == "adamw":
        return torch.optim.AdamW(groups, lr=learning_rate, betas=(momentum, 0.999), foreach=True)
    return torch.optim.SGD(
        groups, lr=learning_rate, momentum=momentum, nesterov=nesterov and momentum > 0,
        foreach=True,
    )  # fmt: skip


def rate_at(
    step: int,
    total: int,
    peak: float,
    schedule: str,
    *,
    warm_up: float = 0.0,
    drops: Sequence[int] = (),
    factor: float = 0.1,
) -> float:
    """Learning rate of optimiser step `step` (0-based) of `total`.

    "one-cycle" rises linearly to `peak` over the first 15 % of the steps and falls to 0 along a
    half cosine; "cosine" only falls; "step" is multiplied by `factor` at each of the steps
    `drops`; "constant" stays at `peak`. Over the first `warm_up` steps any of them is held down by
    a line from 0.
    """
    held = min(1.0, (step + 1) / warm_up) if warm_up else 1.0
    if schedule == "constant":
        return peak * held
    if schedule == "step":
        return peak * held * factor ** sum(step >= drop for drop in drops)
    return held * _curve(step, total, peak, schedule)


def _curve(step: int, total: int, peak: float, schedule: str) -> float:
    rise = WARM_UP * total if schedule == "one-cycle" else 0.0
    if step < rise:
        return peak * (FIRST_RATE + (1 - FIRST_RATE) * step / rise)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(total - rise, 1)))


class WeightAverage:
    """Exponential running average of a network's weights and batch-norm statistics.

    Attributes:
        network: a copy of the given one in eval mode that carries the averages; with decay 0 it
            follows exactly.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._decay = decay
        # The same tensors for as long as the training lasts; listing them anew takes a GPU's time.
        pairs = list(zip(_values(self.network), _values(network), strict=True))
        self._mine = [mine for mine, _ in pairs if mine.is_floating_point()]
        self._new = [new for mine, new in pairs if mine.is_floating_point()]
        self._counts = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after step `step` (0-based); the first steps weigh more."""
        keep = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._mine, self._new, 1 - keep)
        for own, count in self._counts:
            own.copy_(count)


def _values(network: nn.Module) -> list[Tensor]:
    return list(network.state_dict().values())
