"""A smooth sigma(x) from the distances to a fixed set: Sukenik, Kuvshinov, Guennemann (2022)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from rs_core.selectors.base import UNTOLD, Selector, trained_at
from rs_core.smoothing.sampling import BATCH_SIZE

_AT_ONCE = 64  # images between two steps
_OFFSETS = {"mnist": 1.5, "mnist5k": 1.5, "cifar10": 5.0}  # of the authors' code
_MEASURED = 100  # reference images whose mean distance stands for the set's


@dataclass(frozen=True, kw_only=True)
class Knn(Selector):
    """sigma(x) = sigma_b * exp(rate * (mean distance to the k nearest reference images - offset)).

    ln sigma is `rate`-Lipschitz because the distances are exact l2 distances, not squared, in
    pixels of [0,1], to a fixed set, and an image of that set counts itself. Clipping to
    [sigma_min, sigma_max] keeps that. The certificate `sukenik` relies on it.

    What is left open follows the network: the reference images are those of its input shape, those
    that come along first; sigma_b is the middle of its training noise (.25 where it does not say);
    and offset is the authors' for MNIST (1.5) and CIFAR-10 (5), for other sets the mean distance
    of their first images. All of it is fixed before an image is seen.
    """

    name: ClassVar[str] = "knn"

    sigma_b: float | None = param(
        None,
        help="sigma at distance offset; by default the middle of the network's training noise",
        unit="pixels of [0,1]",
        low=0.001,
        high=5,
    )
    rate: float = param(0.01, help="Lipschitz constant of ln sigma, per pixel unit", low=0, high=1)
    neighbours: int = param(20, help="nearest reference images", low=1, high=1000)
    offset: float | None = param(
        None,
        help="mean distance that gives sigma_b; by default 1.5 for MNIST, 5 for CIFAR-10, and "
        "measured for others",
        unit="pixels of [0,1]",
        low=0,
        high=100,
    )
    sigma_min: float = param(0.01, help="lower clip of sigma", low=0, low_open=True)
    sigma_max: float = param(5.0, help="upper clip of sigma", low=0, high=10, low_open=True)
    dataset: str | None = param(
        None,
        help="reference images; by default of the network's input shape",
        choices=dataset_names(),
    )
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
        name = self.reference_of(classifier)
        shape = DATASETS[name].input_shape
        if shape != classifier.spec.input_shape:
            raise ParameterError(
                f"{name} has images of {shape} and {classifier.spec.name} "
                f"takes {classifier.spec.input_shape}: give a data set of that shape."
            )

    def reference_of(self, classifier: Classifier) -> str:
        """The data set whose images are compared with.

        Raises:
            ParameterError: none is named, and no known one has the network's input shape.
        """
        if self.dataset is not None:
            return self.dataset
        shape = classifier.spec.input_shape
        fitting = [name for name, facts in DATASETS.items() if facts.input_shape == shape]
        if not fitting:
            raise ParameterError(
                f"knn has no reference images of {shape}, which {classifier.spec.name} takes: "
                "choose another selector, or another network."
            )
        return min(fitting, key=lambda name: not DATASETS[name].bundled)

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
        fixed = self.settled(classifier)
        reference = _reference(fixed.reference_of(classifier), self.folder, self.limit)
        known = torch.from_numpy(reference.reshape(len(reference), -1))
        guessed = self.sigma_b is None and classifier.spec.train_sigma is None
        said = (UNTOLD.format(fixed.sigma_b),) if guessed else ()
        found: list[Selection] = []
        for first in range(0, len(images), _AT_ONCE):
            for image in images[first : first + _AT_ONCE]:
                distance = self._mean_distance(torch.tensor(image.pixels).flatten(), known)
                sigma = fixed.sigma_at(distance)
                found.append(Selection(self.name, sigma, (), 0, said, rate=self.rate))
            yield Step(done=len(found), total=len(images))
        yield Finished(tuple(found))

    def settled(self, classifier: Classifier) -> "Knn":
        """This selector with everything that it leaves open as this network has it.

        Raises:
            ParameterError: no reference images of the network's input shape.
        """
        name = self.reference_of(classifier)
        sigma_b, offset = self.sigma_b, self.offset
        if sigma_b is None:
            sigma_b = min(max(trained_at(classifier), 0.001), 5.0)  # the range of the field
        if offset is None and name in _OFFSETS:
            offset = _OFFSETS[name]
        elif offset is None:
            first = torch.from_numpy(_reference(name, self.folder, self.limit)).flatten(1)
            offset = float(np.mean([self._mean_distance(row, first) for row in first[:_MEASURED]]))
        return replace(self, dataset=name, sigma_b=sigma_b, offset=offset)

    def sigma_at(self, distance: float) -> float:
        """The noise level at a mean distance, clipped; of a selector that is settled."""
        assert self.sigma_b is not None
        assert self.offset is not None
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
