"""Images become points: sigmas picked and certified one by one, and how far apart they lie."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, PhaseStep, Step, Stream
from rs_core.guarantees import Frozen
from rs_core.guarantees.regions.overlaps import distances_from
from rs_core.images import ImageInput
from rs_core.results.arrangement import Points
from rs_core.selectors import Selector
from rs_core.smoothing.sampling import BATCH_SIZE

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class MapPoints:
    """Each image certified at its own picked sigma (badge C), and a map of all of them.

    Fields:
        selector: who picks sigma.
        certifier: with how many draws, and at what level, each image is certified by itself.

    Raises:
        ParameterError: the certifier's radii are not l2.
    """

    selector: Selector
    certifier: Frozen

    def __post_init__(self) -> None:
        if self.certifier.norm != "l2":
            raise ParameterError(
                f"a map has l2 distances, and {self.certifier.name} certifies {self.certifier.norm}"
                " radii: take the guarantee frozen."
            )

    @property
    def most_draws(self) -> int:
        """The most noisy copies that one image can cost."""
        return self.selector.most_draws + self.certifier.most_draws

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[Points]:
        """Yields the steps of both parts, then the points.

        Raises:
            ParameterError: no images.
        """
        if not images:
            raise ParameterError("there are no images: give one at least.")
        options = {"seed": seed, "batch_size": batch_size}
        later = len(images) * (self.certifier.n0 + self.certifier.n)
        picking = self.selector.run(classifier, images, **options)
        selections, spent = yield from in_words(picking, "picking sigma", later=later)
        stream = self.certifier.run(classifier, images, selections, **options)
        certificates, _ = yield from in_words(stream, "certifying each point", before=spent)
        distances = pairwise_distances(np.stack([image.pixels.ravel() for image in images]))
        true_plane = images[0].pixels.size == 2
        yield Finished(
            Points(
                names=tuple(image.name for image in images),
                digests=tuple(image.digest for image in images),
                labels=tuple(image.label for image in images),
                selections=selections,
                certificates=certificates,
                distances=distances,
                coordinates=(
                    np.array([image.pixels.ravel() for image in images], dtype=np.float64)
                    if true_plane
                    else plane_map(distances)
                ),
                true_plane=true_plane,
                policy=str(self.selector),
            )
        )


def in_words(
    stream: Stream[R], phase: str, *, before: int = 0, later: int = 0
) -> Generator[Step, None, tuple[R, int]]:
    """Pass the steps of one part on under a name; its result, and the work done so far.

    Args:
        stream: the part.
        phase: what it does, for people.
        before, later: work of the parts before and after it.
    """
    done = before
    for event in stream:
        if isinstance(event, Finished):
            return event.result, done
        done = before + event.total
        yield PhaseStep(before + event.done, done + later, phase)
    raise RuntimeError("the stream ended without a result")


def pairwise_distances(points: np.ndarray) -> np.ndarray:
    """float64 (N, N): l2 distances between rows of (N, d)."""
    return np.stack([distances_from(points, point) for point in points])


def plane_map(distances: np.ndarray) -> np.ndarray:
    """float64 (N, 2): points of the plane whose distances resemble `distances` (N, N).

    Classical multidimensional scaling (Torgerson 1952): exact where the points lie in a plane,
    never farther apart than the truth. Each axis points so that its largest value is positive.
    """
    count = len(distances)
    centring = np.eye(count) - 1 / count
    values, vectors = np.linalg.eigh(-centring @ distances**2 @ centring / 2)
    top = slice(None, -3, -1)
    found = vectors[:, top] * np.sqrt(np.maximum(values[top], 0.0))
    found = np.pad(found, ((0, 0), (0, 2 - found.shape[1])))
    largest = found[np.abs(found).argmax(axis=0), np.arange(2)]
    return np.asarray(found * np.where(largest < 0, -1.0, 1.0))
