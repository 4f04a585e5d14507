"""The CIFAR residual networks of He et al. (2016), section 4.2."""

from torch import Tensor, nn
from torch.nn.functional import pad, relu

_WIDTHS = (16, 32, 64)


class ResNet20(nn.Module):
    """Logits (B, K) of the 20-layer CIFAR residual network (He et al. 2016, option A shortcuts).

    Args:
        num_classes: K, logits per image.
        in_channels: C, channels of the already normalised input.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv3(in_channels, _WIDTHS[0], 1), nn.BatchNorm2d(_WIDTHS[0]))
        blocks: list[nn.Module] = []
        width = _WIDTHS[0]
        for stage, out_width in enumerate(_WIDTHS):
            for block in range(3):
                stride = 2 if stage > 0 and block == 0 else 1
                blocks.append(_BasicBlock(width, out_width, stride))
                width = out_width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(width, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (B, K) of normalised inputs (B, C, H, W)."""
        features: Tensor = self.blocks(relu(self.stem(inputs)))
        logits: Tensor = self.head(features.mean(dim=(2, 3)))
        return logits


class _BasicBlock(nn.Module):
    """Two convolutions and a shortcut without parameters: subsampled, padded with zero channels."""

    def __init__(self, in_width: int, out_width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv3(in_width, out_width, stride)
        self.bn1 = nn.BatchNorm2d(out_width)
        self.conv2 = _conv3(out_width, out_width, 1)
        self.bn2 = nn.BatchNorm2d(out_width)
        self._stride = stride
        self._extra = out_width - in_width

    def forward(self, inputs: Tensor) -> Tensor:
        shortcut = inputs[:, :, :: self._stride, :: self._stride]
        if self._extra:
            shortcut = pad(shortcut, (0, 0, 0, 0, self._extra // 2, self._extra - self._extra // 2))
        features = relu(self.bn1(self.conv1(inputs)))
        return relu(self.bn2(self.conv2(features)) + shortcut)


def _conv3(in_width: int, out_width: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(in_width, out_width, 3, stride=stride, padding=1, bias=False)
