"""The data path of training: one uint8 tensor, augmented and made noisy in whole batches."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

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
    """

    pixels: Tensor
    labels: Tensor
    mean: Tensor
    std: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Batch:
    """Augmented images of one optimiser step: pixels uint8 (B, H, W, C), labels int64 (B,)."""

    store: PixelStore
    pixels: Tensor
    labels: Tensor

    def noisy_inputs(self, sigmas: Tensor, generator: torch.Generator) -> Tensor:
        """Normalised inputs (B, C, H, W) float32, channels-last: (pixels/255 + sigma z - mean)/std.

        The noise goes onto pixels of [0,1] before normalisation, in float32, and the sum is
        never clamped (Cohen et al. 2019).

        Args:
            sigmas: float32 (B,), pixels of [0,1], one per image.
            generator: of the noise.
        """
        noise = torch.randn(self.pixels.shape, generator=generator, device=self.pixels.device)
        noisy = noise.mul_(sigmas[:, None, None, None]).add_(self.pixels, alpha=1 / 255)
        return noisy.sub_(self.store.mean).div_(self.store.std).permute(0, 3, 1, 2)


def pixel_store(
    images: np.ndarray,
    labels: np.ndarray,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    device: torch.device,
) -> PixelStore:
    """Images uint8 (N, H, W, C) and labels (N,) as a `PixelStore` on `device`.

    An empty `mean` or `std` means that the network takes pixels in [0,1] as they are.
    """
    channels = images.shape[-1]
    return PixelStore(
        torch.from_numpy(np.ascontiguousarray(images)).to(device),
        torch.from_numpy(np.asarray(labels, dtype=np.int64)).to(device),
        torch.tensor(mean or (0.0,) * channels, dtype=torch.float32, device=device),
        torch.tensor(std or (1.0,) * channels, dtype=torch.float32, device=device),
    )


def shuffled_batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Indices (size,) of each batch of one epoch; the incomplete last batch is left out.

    A data set smaller than one batch is one batch.
    """
    order = torch.randperm(count, generator=generator, device=generator.device)
    for start in range(0, max(count - size, 0) + 1, size):
        yield order[start : start + size]


def augmented_batch(
    store: PixelStore, rows: Tensor, augment: str, generator: torch.Generator
) -> Batch:
    """The chosen rows, moved and mirrored at random.

    Args:
        store: where the images lie.
        rows: int64 (B,), indices of images.
        augment: "none"; "shift" (up to 2 pixels each way); "crop-flip" (up to 4 pixels each way,
            mirrored left to right half the time). Pixels that move in are reflections.
        generator: of the moves.
    """
    return Batch(store, _moved_pixels(store, rows, augment, generator), store.labels[rows])


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
    last = size - 1
    return last - (last - index.abs()).abs()
