"""SGD, its learning-rate curve and the running average of the weights."""

import copy
import math

import torch
from torch import Tensor, nn

WARM_UP = 0.15
FIRST_RATE = 0.04


def make_optimiser(
    network: nn.Module, *, learning_rate: float, momentum: float, weight_decay: float
) -> torch.optim.SGD:
    """SGD with Nesterov momentum; weight decay on kernels and matrices only.

    Decaying the batch-norm scales and the biases would only fight the normalisation.
    """
    parameters = list(network.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.SGD(
        groups, lr=learning_rate, momentum=momentum, nesterov=momentum > 0, foreach=True
    )


def rate_at(step: int, total: int, peak: float, schedule: str) -> float:
    """Learning rate of optimiser step `step` (0-based) of `total`.

    "one-cycle" rises linearly to `peak` over the first 15 % of the steps and falls to 0 along a
    half cosine; "cosine" only falls; "constant" stays at `peak`.
    """
    if schedule == "constant":
        return peak
    rise = WARM_UP * total if schedule == "one-cycle" else 0.0
    if step < rise:
        return peak * (FIRST_RATE + (1 - FIRST_RATE) * step / rise)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(total - rise, 1)))


class WeightAverage:
    """Exponential running average of a network's weights and batch-norm statistics.

    Attributes:
        network: a copy in eval mode that carries the averages; with decay 0 it follows exactly.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after step `step` (0-based); the first steps weigh more."""
        keep = min(self._decay, (1 + step) / (10 + step))
        pairs = list(zip(_values(self.network), _values(network), strict=True))
        floats = [(mine, new) for mine, new in pairs if mine.is_floating_point()]
        torch._foreach_lerp_([m for m, _ in floats], [n for _, n in floats], 1 - keep)
        for mine, new in pairs:
            if not mine.is_floating_point():
                mine.copy_(new)


def _values(network: nn.Module) -> list[Tensor]:
    return list(network.state_dict().values())
