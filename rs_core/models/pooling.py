"""Global average pooling whose gradient lies in memory as the features do."""

import torch
from torch import Tensor, fx


@fx.wrap  # who traces a network sees one call; trace it as pooling.spatial_mean(features)
def spatial_mean(features: Tensor) -> Tensor:
    """(B, C), the mean of features (B, C, H, W) over height and width.

    The gradient of `features.mean(dim=(2, 3))` comes channel by channel whatever the layout. Where
    the channels lie side by side, the layer before then reads two layouts at once, which takes as
    long as half a convolution. The numbers are the same to the last bit.
    """
    if features.is_contiguous(memory_format=torch.channels_last):
        return features.permute(0, 2, 3, 1).flatten(1, 2).mean(dim=1)
    return features.mean(dim=(2, 3))
