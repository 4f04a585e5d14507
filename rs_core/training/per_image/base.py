"""What gives a training image a sigma of its own: settings with one verb."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from rs_core.errors import ParameterError
from rs_core.fields import check_params
from rs_core.training.data import Batch, standard_noise
from rs_core.training.view import NormalizedNetwork

Assigns = Literal["nothing", "batch", "all"]
ROWS = 256  # of one forward pass: activations stay in cache
HIGHEST = 10.0  # sigma of any training


@dataclass(frozen=True)
class PerImage(ABC):
    """How every training image gets a sigma of its own, which is kept from epoch to epoch.

    `sigma` is always the recipe's, in pixels of [0,1]. Epochs are numbered from 0.
    """

    takes_uniform: ClassVar[bool] = False  # whether it knows l1 radii of uniform noise

    def __post_init__(self) -> None:
        check_params(self)

    @abstractmethod
    def sigma_range(self, sigma: float) -> tuple[float, float]:
        """Smallest and largest sigma that an image can have."""

    def range_of(self, sigmas: Tensor, sigma: float) -> tuple[float, float]:
        """Smallest and largest noise of a training whose images have `sigmas` (N,)."""
        return self.sigma_range(sigma)

    def check(self, sigma: float, epochs: int) -> None:
        """Refuse a recipe that this cannot go with.

        Raises:
            ParameterError: its sigma is 0, or the largest one is above what noise may be.
        """
        low, high = self.sigma_range(sigma)
        if not 0 < low <= high <= HIGHEST:
            raise ParameterError(
                f"with sigma={sigma:g} images could have sigmas from {low:g} to {high:g}: give "
                f"settings that stay above 0 and at most {HIGHEST:g}, the lower end first."
            )

    def first(self, sigma: float, count: int, stored: Tensor | None) -> Tensor:
        """The sigmas (count,) that a training begins with; by default all have the recipe's.

        Args:
            stored: those that the training of its first weights left, where it left any.
        """
        return torch.full((count,), sigma)

    def check_begun(self, sigmas: Tensor) -> None:
        """Refuse to begin with such sigmas (N,).

        Raises:
            ParameterError: something is missing.
        """
        return

    def drawn(self, sigmas: Tensor, sigma: float, epoch: int, generator: torch.Generator) -> Tensor:
        """Noise (B,) in this epoch of images that have `sigmas` (B,); by default those."""
        return sigmas

    @abstractmethod
    def assigns(self, epoch: int, epochs: int) -> Assigns:
        """What is assigned: the images of every batch before its step, all images before the
        epoch's first, or nothing."""

    @abstractmethod
    def assigned(
        self,
        network: NormalizedNetwork,
        batch: Batch,
        sigmas: Tensor,
        sigma: float,
        generator: torch.Generator,
    ) -> Tensor:
        """New sigmas (B,) of a batch's images; their augmented pixels are looked at.

        Args:
            network: in evaluation mode, its parameters without gradients.
            batch: images (B,) without noise.
            sigmas: (B,), what they have.
            sigma: the recipe's.
            generator: of every draw.
        """


def noisy_logits(
    network: NormalizedNetwork, pixels: Tensor, sigmas: Tensor, n: int, generator: torch.Generator
) -> Iterator[tuple[slice, Tensor]]:
    """Logits of n noisy copies of each image, some images at a time.

    Args:
        pixels: (B, C, H, W) of [0,1].
        sigmas: (B, S), each image's noise levels, which share the copies' noise.
        n: copies per image.

    Yields:
        Which images, and the logits (b, S, n, K), float32.
    """
    size = max(ROWS // n, 1)
    for start in range(0, len(pixels), size):
        own = slice(start, start + size)
        yield own, _of_some(network, pixels[own], sigmas[own], n, generator)


def _of_some(
    network: NormalizedNetwork, pixels: Tensor, sigmas: Tensor, n: int, generator: torch.Generator
) -> Tensor:
    z = standard_noise((len(pixels), n, *pixels.shape[1:]), "gaussian", generator)
    found = []
    for level in sigmas.unbind(dim=1):
        copies = pixels[:, None] + level[:, None, None, None, None] * z
        each = [network.of_pixels(level)(part.flatten(0, 1)) for part in _parts(copies)]
        found.append(torch.cat([one.view(len(pixels), -1, one.shape[-1]) for one in each], dim=1))
    return torch.stack(found, dim=1)


def _parts(copies: Tensor) -> tuple[Tensor, ...]:
    """The copies (b, n, ...) in passes of `ROWS` rows."""
    return torch.split(copies, max(ROWS // len(copies), 1), dim=1)
