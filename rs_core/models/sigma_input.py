"""How a network is told the noise level of its input."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

_FREQUENCIES = 6  # periods 4, 2, ..., 1/8: the last ones tell .25 from .27
_WIDTH = 32


class SigmaScale(nn.Module):
    """Feature maps scaled and shifted by what sigma says: FiLM on a sinusoidal encoding.

    The last layer starts at 0, so an untrained network does not see sigma. The encoding is
    computed in float32, whatever the precision of the weights.

    Args:
        channels: of the feature maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.encoded = nn.Linear(2 * _FREQUENCIES + 1, _WIDTH)
        self.affine = nn.Linear(_WIDTH, 2 * channels)
        nn.init.zeros_(self.affine.weight)
        nn.init.zeros_(self.affine.bias)

    def forward(self, features: Tensor, sigma: Tensor) -> Tensor:
        """Features (B, C, H, W) for noise levels (B,), pixels of [0,1]."""
        level = sigma.float()[:, None]
        angles = torch.cat([level * (math.pi / 2 * 2**k) for k in range(_FREQUENCIES)], dim=1)
        code = torch.cat([level, angles.sin(), angles.cos()], dim=1).to(self.encoded.weight.dtype)
        told: Tensor = self.affine(relu(self.encoded(code)))[:, :, None, None]
        scale, shift = told.chunk(2, dim=1)
        return features * (1 + scale) + shift
