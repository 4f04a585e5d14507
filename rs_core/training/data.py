"""The data path of training: one uint8 tensor, augmented and made noisy in whole batches."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Distribution = Literal["gaussian", "uniform"]

SHIFT_PIXELS = 2
CROP_PIXELS = 4


@dataclass(frozen=True, eq=False)
class PixelStore:
    """A data set held once on the training device.

    Fields:
        pixels: uint8 (N, H, W, C). The channels lie last, so a batch seen as (B, C, H, W) is
            channels-last without a copy, and noise fills contiguous memory.
        labels: int64 (N,).
        mean, std: float32 (C,), of the pixels in [0,1].
        targets: float32 (N, K), what is learned in place of labels; None for labels.
    """

    pixels: Tensor
    labels: Tensor
    mean: Tensor
    std: Tensor
    targets: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def affine(self) -> tuple[Tensor, Tensor]:
        """Normalisation of its images; see `affine`."""
        return affine(self.mean, self.std, self.pixels.shape[1], self.pixels.shape[2])


def affine(mean: Tensor, std: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """(scale, shift), each (H, W, C), with scale*x + shift = (x - mean)/std.

    At full size, because broadcasting over a last dimension of 3 falls off the vectorised path.
    """
    shape = (height, width, len(mean))
    return (1 / std).expand(shape).contiguous(), (-mean / std).expand(shape).contiguous()


@dataclass(frozen=True, eq=False)
class Batch:
    """Images of one optimiser step, moved at random and with their noise.

    Fields:
        store: where they come from.
        rows: int64 (B,), which of its images they are.
        pixels: uint8 (B, H, W, C).
        labels: int64 (B,).
        sigmas: float32 (B,), pixels of [0,1].
        noise: float32 (B, m, H, W, C) of m copies, already times sigma.
        epoch: whole epochs before this step.
        distribution: of the noise, see `standard_noise`.
    """

    store: PixelStore
    rows: Tensor
    pixels: Tensor
    labels: Tensor
    sigmas: Tensor
    noise: Tensor
    epoch: int = 0
    distribution: Distribution = "gaussian"

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def copies(self) -> int:
        """Noisy copies m of each image."""
        return self.noise.shape[1]

    @property
    def targets(self) -> Tensor:
        """float32 (B, K), of a store that has them."""
        assert self.store.targets is not None
        return self.store.targets[self.rows]

    def part(self, first: int, last: int) -> "Batch":
        """Images first, ..., last - 1 with the noise that they have here."""
        own = slice(first, last)
        return replace(
            self, rows=self.rows[own], pixels=self.pixels[own], labels=self.labels[own],
            sigmas=self.sigmas[own], noise=self.noise[own],
        )  # fmt: skip

    def with_noise(self, sigmas: Tensor, copies: int, generator: torch.Generator) -> "Batch":
        """The images with fresh noise.

        Args:
            sigmas: float32 (B,), pixels of [0,1], one per image.
            copies: m.
            generator: of the noise.
        """
        count, *shape = self.pixels.shape
        z = standard_noise((count, copies, *shape), self.distribution, generator)
        return replace(self, sigmas=sigmas, noise=z.mul_(sigmas[:, None, None, None, None]))

    def noisy_inputs(self, copies: int | None = None) -> Tensor:
        """Normalised inputs (B m, C, H, W) float32, channels-last; an image's copies side by side.

        (pixels/255 + noise - mean)/std: the noise goes onto pixels of [0,1] before normalisation,
        in float32, and the sum is never clamped (Cohen et al. 2019).

        Args:
            copies: only so many of the copies.
        """
        noise = self.noise[:, :copies]
        noisy = torch.add(noise, self.pixels[:, None], alpha=1 / 255)
        scale, shift = self.store.affine
        return torch.addcmul(shift, noisy, scale).flatten(0, 1).permute(0, 3, 1, 2)

    def clean(self) -> Tensor:
        """Pixels (B, C, H, W) float32 of [0,1], channels-last, without noise."""
        return (self.pixels * (1 / 255)).permute(0, 3, 1, 2)

    def noise_planes(self) -> Tensor:
        """The noise as (B, m, C, H, W)."""
        return self.noise.permute(0, 1, 4, 2, 3)


def standard_noise(
    shape: tuple[int, ...], distribution: Distribution, generator: torch.Generator
) -> Tensor:
    """Float32 noise on the generator's device that sigma = 1 means.

    Normal, or uniform on [-1, 1], of which sigma is the half-width (for l1 radii).
    """
    if distribution == "uniform":
        return torch.rand(shape, generator=generator, device=generator.device).mul_(2).sub_(1)
    return torch.randn(shape, generator=generator, device=generator.device)


def pixel_store(
    images: np.ndarray,
    labels: np.ndarray,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    device: torch.device,
    targets: np.ndarray | None = None,
) -> PixelStore:
    """Images uint8 (N, H, W, C), labels (N,) and targets (N, K) as a `PixelStore` on `device`.

    An empty `mean` or `std` means that the network takes pixels in [0,1] as they are.
    """
    channels = images.shape[-1]
    return PixelStore(
        torch.from_numpy(np.ascontiguousarray(images)).to(device),
        torch.from_numpy(np.asarray(labels, dtype=np.int64)).to(device),
        torch.tensor(mean or (0.0,) * channels, dtype=torch.float32, device=device),
        torch.tensor(std or (1.0,) * channels, dtype=torch.float32, device=device),
        None if targets is None else torch.from_numpy(targets).float().to(device),
    )


def shuffled(count: int, generator: torch.Generator) -> Tensor:
    """The numbers 0, ..., count - 1 in an order drawn at random: int64 (count,).

    An epoch takes its batches from it one after the other and leaves out an incomplete last one;
    a data set smaller than one batch is one batch.
    """
    return torch.randperm(count, generator=generator, device=generator.device)


def augmented_batch(
    store: PixelStore,
    rows: Tensor,
    augment: str,
    generator: torch.Generator,
    *,
    epoch: int = 0,
    distribution: Distribution = "gaussian",
) -> Batch:
    """The chosen rows, moved and mirrored at random, without noise as yet.

    Args:
        store: where the images lie.
        rows: int64 (B,), indices of images.
        augment: "none"; "shift" (up to 2 pixels each way); "crop-flip" (up to 4 pixels each way,
            mirrored left to right half the time). Pixels that move in are reflections.
        generator: of the moves.
        epoch: whole epochs before.
        distribution: of the noise to come.
    """
    pixels = _moved_pixels(store, rows, augment, generator)
    nothing = torch.zeros(len(rows), device=pixels.device)
    silence = nothing[:, None, None, None, None].expand(-1, 1, *pixels.shape[1:])
    return Batch(store, rows, pixels, store.labels[rows], nothing, silence, epoch, distribution)


def _moved_pixels(
    store: PixelStore, rows: Tensor, augment: str, generator: torch.Generator
) -> Tensor:
    if augment == "none":
        return store.pixels[rows]
    reach = SHIFT_PIXELS if augment == "shift" else CROP_PIXELS
    count, height, width = len(rows), store.pixels.shape[1], store.pixels.shape[2]
    device = store.pixels.device
    moves = torch.randint(-reach, reach + 1, (2, count, 1), generator=generator, device=device)
    down = _reflect(torch.arange(height, device=device) + moves[0], height)  # (B, H)
    across = _reflect(torch.arange(width, device=device) + moves[1], width)  # (B, W)
    if augment == "crop-flip":
        mirror = torch.randint(0, 2, (count, 1), generator=generator, device=device).bool()
        across = torch.where(mirror, width - 1 - across, across)
    flat = (rows[:, None] * height + down)[:, :, None] * width + across[:, None, :]
    channels = store.pixels.shape[3]
    chosen = store.pixels.view(-1, channels).index_select(0, flat.reshape(-1))
    return chosen.view(count, height, width, channels)


def _reflect(index: Tensor, size: int) -> Tensor:
    """Indices within 0, ..., size - 1; no image is moved further than its own length."""
    last = size - 1
    return (last - (last - index.abs()).abs()).clamp_min(0)
