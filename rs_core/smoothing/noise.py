"""Noise: standard normals in the layout that networks read fastest, and exact sums on a grid."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.images import ImageInput
from rs_core.seeding import derive_seed

_GRID = 1024  # steps per 8-bit level in the rigorous mode


def noisy_copies(
    classifier: Classifier, image: ImageInput, sigmas: Sequence[float], *, seed: int
) -> np.ndarray:
    """One noisy copy (S, C, H, W) float32 per sigma, for display; all share one noise draw."""
    seed = derive_seed(seed, "noisy-copies", image.digest)
    z = standard_normal(classifier, 1, seed, torch.float32)
    pixels = as_batch(classifier, image)
    copies = [torch.add(pixels, z, alpha=float(sigma))[0] for sigma in sigmas]
    return torch.stack(copies).cpu().numpy()


def as_batch(classifier: Classifier, image: ImageInput) -> Tensor:
    """(1, C, H, W) in the noise's own layout, so that their sum needs no reordering."""
    pixels = torch.tensor(image.pixels)[None].to(classifier.device)
    return pixels.contiguous(memory_format=torch.channels_last)


def standard_normal(classifier: Classifier, rows: int, seed: int, dtype: torch.dtype) -> Tensor:
    """Standard normals (rows, C, H, W), channels-last.

    Filled contiguously and permuted: normal_ into a channels-last tensor of 3 channels leaves
    the vectorised path, and noise is exchangeable.
    """
    channels, height, width = classifier.spec.input_shape
    generator = torch.Generator(classifier.device).manual_seed(seed)
    buffer = torch.empty(rows, height, width, channels, dtype=dtype, device=classifier.device)
    return buffer.normal_(generator=generator).permute(0, 3, 1, 2)


def standard_uniform(classifier: Classifier, rows: int, seed: int, dtype: torch.dtype) -> Tensor:
    """Uniform on [-1, 1] (rows, C, H, W), channels-last."""
    channels, height, width = classifier.spec.input_shape
    generator = torch.Generator(classifier.device).manual_seed(seed)
    buffer = torch.empty(rows, height, width, channels, dtype=dtype, device=classifier.device)
    return buffer.uniform_(-1.0, 1.0, generator=generator).permute(0, 3, 1, 2)


def on_grid(pixels: Tensor, z: Tensor, sigma: float) -> Tensor:
    """x + round(noise) with an exact sum (Voracek & Hein, ICLR 2023); float32, in [0,1] units.

    In units of an 8-bit level x is whole and the noise a multiple of 1/1024, so their float32
    sum is exact; dividing by 255 afterwards belongs to the classifier.
    """
    levels = (pixels * 255).round()
    grid = (z * (255 * _GRID * sigma)).round().div(_GRID).float()
    return (levels + grid).div(255)


def row_levels(pixels: Tensor, sigmas: list[float], take: int, padding: int) -> Tensor:
    """(S * take + padding,) the noise level of each row, for a network that is told it."""
    levels = pixels.new_tensor(sigmas).repeat_interleave(take)
    return torch.cat([levels, levels.new_zeros(padding)])
