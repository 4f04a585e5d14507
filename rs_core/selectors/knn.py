"""A smooth sigma(x) from the distances to a fixed set: Sukenik, Kuvshinov, Guennemann (2022)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.datasets import DATASETS, dataset_names, load_dataset
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream
from rs_core.fields import param
from rs_core.images import ImageInput
from rs_core.results import Selection
from rs_core.selectors.selector import Selector
from rs_core.smoothing.sampling import BATCH_SIZE

_AT_ONCE = 64  # images between two steps


@dataclass(frozen=True, kw_only=True)
class Knn(Selector):
    """sigma(x) = sigma_b * exp(rate * (mean distance to the k nearest reference images - offset)).

    ln sigma is `rate`-Lipschitz because the distances are exact l2 distances, not squared, in
    pixels of [0,1], to a fixed set, and an image of that set counts itself. Clipping to
    [sigma_min, sigma_max] keeps that. The certificate `sukenik` relies on it.
    """

    name: ClassVar[str] = "knn"

    sigma_b: float = param(
        0.25, help="sigma at distance offset", unit="pixels of [0,1]", low=0.001, high=5
    )
    rate: float = param(0.01, help="Lipschitz constant of ln sigma, per pixel unit", low=0, high=1)
    neighbours: int = param(20, help="nearest reference images", low=1, high=1000)
    offset: float = param(
        1.5, help="mean distance that gives sigma_b", unit="pixels of [0,1]", low=0, high=100
    )
    sigma_min: float = param(0.01, help="lower clip of sigma", low=0, low_open=True)
    sigma_max: float = param(5.0, help="upper clip of sigma", low=0, high=10, low_open=True)
    dataset: str = param("mnist5k", help="reference images", choices=dataset_names())
    folder: str = param("", help="folder of the data set, where it does not come along")
    limit: int = param(5000, help="reference images used, from the first", low=1, high=60_000)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sigma_min < self.sigma_max:
            raise ParameterError(
                f"sigma_min={self.sigma_min:g} must lie below sigma_max={self.sigma_max:g}."
            )

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse reference images of another shape than the network's input."""
        shape = DATASETS[self.dataset].input_shape
        if shape != classifier.spec.input_shape:
            raise ParameterError(
                f"{self.dataset} has images of {shape} and {classifier.spec.name} "
                f"takes {classifier.spec.input_shape}: give a data set of that shape."
            )

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Selection, ...]]:
        """Yields steps, then the selections; draws nothing.

        Raises:
            ParameterError: the reference images have another shape than the network's input.
        """
        self.check(classifier, images)
        reference = _reference(self.dataset, self.folder, self.limit)
        known = torch.from_numpy(reference.reshape(len(reference), -1))
        found: list[Selection] = []
        for first in range(0, len(images), _AT_ONCE):
            for image in images[first : first + _AT_ONCE]:
                distance = self._mean_distance(torch.from_numpy(image.pixels).flatten(), known)
                sigma = self.sigma_at(distance)
                found.append(Selection(self.name, sigma, (), 0, rate=self.rate))
            yield Step(done=len(found), total=len(images))
        yield Finished(tuple(found))

    def sigma_at(self, distance: float) -> float:
        """The noise level at a mean distance, clipped."""
        raw = self.sigma_b * float(np.exp(self.rate * (distance - self.offset)))
        return min(max(raw, self.sigma_min), self.sigma_max)

    def _mean_distance(self, pixels: Tensor, known: Tensor) -> float:
        distances = torch.linalg.vector_norm(known - pixels, dim=1)
        nearest = distances.topk(min(self.neighbours, len(known)), largest=False).indices
        exact = torch.linalg.vector_norm((known[nearest] - pixels).double(), dim=1)
        return float(exact.mean())


@lru_cache(maxsize=2)
def _reference(dataset: str, folder: str, limit: int) -> np.ndarray:
    """(N, C, H, W) float32 in [0,1] of the first training images."""
    split = load_dataset(dataset, split="train", root=folder or None)
    images = split.images[:limit].astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
