"""A network that reads an image and answers with a sigma."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.errors import ModelFileError
from rs_core.events import Finished, Step, Stream
from rs_core.images import ImageInput
from rs_core.results import Selection
from rs_core.selectors.base import Selector
from rs_core.smoothing.noise import as_batch
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE

_ROWS = 64


class SigmaNetwork(Protocol):
    """h: pixels (B, C, H, W) float32 of [0,1] to B positive sigmas in the same unit."""

    def __call__(self, pixels: Tensor) -> Tensor:
        """(B,) float32."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class FromNetwork(Selector):
    """sigma = h(x), one forward pass and no noise: Hase et al., the undefended selector."""

    name: ClassVar[str] = "network"

    network: SigmaNetwork

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Selection, ...]]:
        """Yields steps, then the selections.

        Raises:
            ModelFileError: a sigma is NaN, infinite, not positive, above 10, or missing.
        """
        found: list[Selection] = []
        for first in range(0, len(images), _ROWS):
            own = images[first : first + _ROWS]
            pixels = torch.cat([as_batch(classifier, image) for image in own])
            with torch.inference_mode():
                sigmas = self.network(pixels)
            for image, sigma in zip(own, _checked(sigmas, len(own)), strict=True):
                found.append(Selection(self.name, _held(sigma, image), (), 0))
            yield Step(done=len(found), total=len(images))
        yield Finished(tuple(found))


def _checked(sigmas: Tensor, count: int) -> list[float]:
    if not isinstance(sigmas, Tensor) or sigmas.numel() != count:
        raise ModelFileError(f"the selector network must return {count} sigmas, one per image.")
    values: list[float] = sigmas.flatten().double().cpu().tolist()
    return values


def _held(sigma: float, image: ImageInput) -> float:
    if not 0 < sigma <= SIGMA_MAX:  # False for NaN
        raise ModelFileError(
            f"the selector network answers sigma={sigma:g} for {image.name}: it must lie above 0 "
            f"and at most at {SIGMA_MAX:g}."
        )
    return sigma
