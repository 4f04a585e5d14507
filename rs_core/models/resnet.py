"""Residual networks for small images: those of He et al. (2016), section 4.2, and ResNet-18."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn.functional import pad, relu

from rs_core.models import pooling

_WIDTHS = (16, 32, 64)
_WIDE = (64, 128, 256, 512)


class _Residual(nn.Module):
    """A 3x3 stem, stages of blocks of which each but the first halves the image, one linear layer.

    Args:
        block: makes a block of (in_width, out_width, stride).
        widths: channels of the stages.
        depth: blocks per stage.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        block: Callable[[int, int, int], nn.Module],
        widths: tuple[int, ...],
        depth: int,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv3(in_channels, widths[0], 1), nn.BatchNorm2d(widths[0]))
        blocks: list[nn.Module] = []
        width = widths[0]
        for stage, out_width in enumerate(widths):
            for number in range(depth):
                stride = 2 if stage > 0 and number == 0 else 1
                blocks.append(block(width, out_width, stride))
                width = out_width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(width, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (B, K) of normalised inputs (B, C, H, W)."""
        features: Tensor = self.blocks(relu(self.stem(inputs)))
        logits: Tensor = self.head(pooling.spatial_mean(features))
        return logits


class ResNet20(_Residual):
    """Logits (B, K) of the 20-layer CIFAR residual network (He et al. 2016, option A shortcuts).

    Args:
        num_classes: K, logits per image.
        in_channels: C, channels of the already normalised input.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__(num_classes, in_channels, _BasicBlock, _WIDTHS, 3)


class ResNet110(_Residual):
    """Logits (B, K) of the 110-layer one, the network of Cohen et al., SmoothAdv and MACER.

    Args:
        num_classes: K, logits per image.
        in_channels: C, channels of the already normalised input.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__(num_classes, in_channels, _BasicBlock, _WIDTHS, 18)


class CifarResNet18(_Residual):
    """Logits (B, K) of ResNet-18 for small images: a 3x3 stem without pooling (option B shortcuts).

    Args:
        num_classes: K, logits per image.
        in_channels: C, channels of the already normalised input.
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__(num_classes, in_channels, _ProjectingBlock, _WIDE, 2)


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
        features = relu(self.bn1(self.conv1(inputs)))
        return relu(self.bn2(self.conv2(features)) + self._shortcut(inputs))

    def _shortcut(self, inputs: Tensor) -> Tensor:
        shortcut = inputs[:, :, :: self._stride, :: self._stride]
        if self._extra:
            shortcut = pad(shortcut, (0, 0, 0, 0, self._extra // 2, self._extra - self._extra // 2))
        return shortcut


class _ProjectingBlock(_BasicBlock):
    """Two convolutions and a shortcut that is a convolution where the shape changes."""

    def __init__(self, in_width: int, out_width: int, stride: int) -> None:
        super().__init__(in_width, out_width, stride)
        self.projection = nn.Sequential()
        if stride > 1 or in_width != out_width:
            kernel = nn.Conv2d(in_width, out_width, 1, stride=stride, bias=False)
            self.projection = nn.Sequential(kernel, nn.BatchNorm2d(out_width))

    def _shortcut(self, inputs: Tensor) -> Tensor:
        projected: Tensor = self.projection(inputs)
        return projected


def _conv3(in_width: int, out_width: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(in_width, out_width, 3, stride=stride, padding=1, bias=False)
