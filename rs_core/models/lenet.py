"""LeNet with 20 and 50 channels, the MNIST network of MACER."""

from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu

from rs_core.errors import ParameterError


class LeNet(nn.Module):
    """Logits (B, K) of two 5x5 convolutions (20, 50 channels) and two linear layers (500, K).

    The network of MACER's MNIST experiments (Zhai et al. 2020).

    Args:
        num_classes: K, logits per image.
        in_channels: C, channels of the already normalised input.
        image_size: (H, W); the linear layers depend on it.

    Raises:
        ParameterError: the images are smaller than 16x16.
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 1,
        image_size: tuple[int, int] = (28, 28),
    ) -> None:
        super().__init__()
        height, width = ((size - 4) // 2 for size in image_size)
        height, width = (height - 4) // 2, (width - 4) // 2
        if min(height, width) < 1:
            raise ParameterError(
                f"lenet cannot take {image_size[0]}x{image_size[1]} images: "
                "give images of at least 16x16, or choose a network for small ones, such as mlp."
            )
        self.conv1 = nn.Conv2d(in_channels, 20, 5)
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.fc1 = nn.Linear(50 * height * width, 500)
        self.fc2 = nn.Linear(500, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (B, K) of normalised inputs (B, C, H, W)."""
        features = max_pool2d(relu(self.conv1(inputs)), 2)
        features = max_pool2d(relu(self.conv2(features)), 2)
        logits: Tensor = self.fc2(relu(self.fc1(features.flatten(1))))
        return logits
