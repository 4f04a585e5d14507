"""The certify loop that the field uses today, written afresh from the algorithm.

Cohen, Rosenfeld and Kolter (2019), CERTIFY: draw batches of 400 noisy copies in float32, count
the argmax classes on the host, n0 draws for the class and n for the bound.
"""

from math import ceil

import numpy as np
import torch
from scipy.stats import beta, norm
from torch import Tensor, nn


class Normalised(nn.Module):
    """The usual arrangement: normalisation as the first layer."""

    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Logits of pixels."""
        logits: Tensor = self.network((x - self.mean) / self.std)
        return logits


@torch.no_grad()
def count_votes(network: nn.Module, x: Tensor, sigma: float, n: int, classes: int) -> np.ndarray:
    """Votes (classes,) of n noisy copies of x (C, H, W)."""
    counts = np.zeros(classes, dtype=int)
    for batch in range(ceil(n / 400)):
        size = min(400, n - 400 * batch)
        copies = x.repeat((size, 1, 1, 1))
        noise = torch.randn_like(copies) * sigma
        predictions = network(copies + noise).argmax(1)
        counts += np.bincount(predictions.cpu().numpy(), minlength=classes)
    return counts


def certify(
    network: nn.Module, x: Tensor, sigma: float, n0: int, n: int, alpha: float, classes: int
) -> tuple[int, float]:
    """(class or -1, radius)."""
    network.eval()
    top = int(count_votes(network, x, sigma, n0, classes).argmax())
    n_top = int(count_votes(network, x, sigma, n, classes)[top])
    p_lower = beta.ppf(alpha, n_top, n - n_top + 1) if n_top else 0.0
    return (top, sigma * norm.ppf(p_lower)) if p_lower > 0.5 else (-1, 0.0)
