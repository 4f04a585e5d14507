"""The bundled networks' architecture: four convolutions, as in the variational paper."""

from collections.abc import Sequence

from torch import Tensor, nn

from rs_core.errors import ParameterError
from rs_core.models import pooling
from rs_core.models.sigma_input import SigmaScale


class Conv4(nn.Module):
    """Logits (B, K) of four conv-BN-ReLU blocks, global average pooling and one linear layer.

    The first block works at full size, the second at half, the last two at a quarter
    (Hase et al., variational randomized smoothing: a classifier of four convolutional layers).

    Args:
        num_classes: K, logits per image.
        in_channels: C, channels of the already normalised input.
        widths: output channels of the four convolutions.

    Raises:
        ParameterError: `widths` are not four positive whole numbers.
    """

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        widths: Sequence[int] = (32, 64, 64, 128),
    ) -> None:
        super().__init__()
        _check_widths(widths)
        a, b, c, d = widths
        self.features = nn.Sequential(
            _block(in_channels, a),
            nn.MaxPool2d(2),
            _block(a, b),
            nn.MaxPool2d(2),
            _block(b, c),
            _block(c, d),
        )
        self.head = nn.Linear(d, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (B, K) of normalised inputs (B, C, H, W)."""
        features: Tensor = self.features(inputs)
        logits: Tensor = self.head(pooling.spatial_mean(features))
        return logits


class SigmaConv4(Conv4):
    """`Conv4` that is told the noise level: Hase et al.'s conditional universal classifier f_u.

    sigma scales and shifts what enters each block's ReLU: the threshold below which a feature is
    noise, and the size that normalisation gives it, depend on how much noise there is.
    `takes_sigma` is the attribute by which everybody who runs a network knows that it is called as
    network(inputs, sigma).
    """

    takes_sigma = True

    def __init__(
        self,
        num_classes: int = 10,
        in_channels: int = 3,
        widths: Sequence[int] = (32, 64, 64, 128),
    ) -> None:
        super().__init__(num_classes, in_channels, widths)
        self.told = nn.ModuleList(SigmaScale(width) for width in widths)

    def forward(self, inputs: Tensor, sigma: Tensor) -> Tensor:  # type: ignore[override]
        """Logits (B, K) of normalised inputs (B, C, H, W) under noise sigma (B,)."""
        told, features = iter(self.told), inputs
        for layer in self.features:
            if isinstance(layer, nn.Sequential):
                convolution, norm, activation = layer
                features = activation(next(told)(norm(convolution(features)), sigma))
            else:
                features = layer(features)
        logits: Tensor = self.head(pooling.spatial_mean(features))
        return logits


def _block(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def _check_widths(widths: Sequence[int]) -> None:
    whole = all(isinstance(w, int) and not isinstance(w, bool) and 1 <= w <= 4096 for w in widths)
    if len(widths) != 4 or not whole:
        raise ParameterError(
            f"widths={list(widths)!r} do not describe conv4: "
            "give four whole numbers from 1 to 4096, e.g. 32 64 64 128."
        )
