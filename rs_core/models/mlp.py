"""Two hidden layers: enough for points of the plane, and quick."""

import math

from torch import Tensor, nn
from torch.nn.functional import relu

_WIDTH = 64


class Mlp(nn.Module):
    """Logits (B, K) of two hidden layers of 64 units over all the values of an image.

    Args:
        num_classes: K, logits per image.
        in_channels: C, channels of the already normalised input.
        image_size: (H, W); the first layer depends on it.
    """

    def __init__(
        self,
        num_classes: int = 3,
        in_channels: int = 1,
        image_size: tuple[int, int] = (1, 2),
    ) -> None:
        super().__init__()
        self.fc1 = nn.Linear(in_channels * math.prod(image_size), _WIDTH)
        self.fc2 = nn.Linear(_WIDTH, _WIDTH)
        self.head = nn.Linear(_WIDTH, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (B, K) of normalised inputs (B, C, H, W)."""
        logits: Tensor = self.head(relu(self.fc2(relu(self.fc1(inputs.flatten(1))))))
        return logits
