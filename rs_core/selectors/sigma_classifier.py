"""A classifier of images into sigmas, smoothed by noise of its own: Sun et al. (2026)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, relay
from rs_core.fields import param
from rs_core.images import ImageInput
from rs_core.results import Selection
from rs_core.results.picker import is_picker, picker_classes
from rs_core.selectors.base import Selector
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes

_UNIT = "pixels of [0,1]"


SIGMAS: Any = param(
    (0.25, 0.5, 1.0), help="what the picker's classes stand for, ascending", unit=_UNIT, low=0,
    high=SIGMA_MAX, low_open=True,
)  # fmt: skip
SIGMA_E: Any = param(
    None, help="noise of the picker; the largest sigma by default", unit=_UNIT, low=0,
    high=SIGMA_MAX, low_open=True,
)  # fmt: skip


def check_picker(picker: Classifier, sigmas: Sequence[float]) -> None:
    """Refuse a picker whose classes do not stand for these sigmas, in their order.

    Raises:
        ParameterError: it is no classifier, has another number of classes, was taught other
            sigmas, or they do not ascend.
    """
    if not isinstance(picker, Classifier):
        raise ParameterError("picking sigma needs a classifier of images into sigmas: give one.")
    names = picker.spec.class_names
    if len(names) != len(sigmas):
        raise ParameterError(
            f"{picker.title} has {len(names)} classes, and {len(sigmas)} sigmas are declared: give "
            "one sigma for each class."
        )
    for name, own, sigma in zip(names, picker_classes(sigmas), sigmas, strict=True):
        if is_picker(names) and name != own:
            raise ParameterError(
                f"the picker's class {name!r} cannot stand for sigma={sigma:g}: give the sigmas "
                "that it was taught, in their order."
            )
    if any(low >= high for low, high in pairwise(sigmas)):
        raise ParameterError("the sigmas of a picker must ascend: class k stands for the k-th.")


def picker_noise(sigma_e: float | None, sigmas: Sequence[float]) -> float:
    """sigma_e, by default the largest sigma."""
    return max(sigmas) if sigma_e is None else sigma_e


@dataclass(frozen=True, kw_only=True, eq=False)
class SigmaClassifier(Selector):
    """The sigma that most noisy copies of the image are put into.

    Fields:
        network: one class for each sigma, in their order.
    """

    name: ClassVar[str] = "sigma_classifier"

    network: Classifier
    sigmas: tuple[float, ...] = SIGMAS
    sigma_e: float | None = SIGMA_E
    n: int = param(100, help="noisy copies that are put into sigmas", low=1, high=1e7)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_picker(self.network, self.sigmas)

    @property
    def possible_sigmas(self) -> tuple[float, ...]:
        """Every sigma of a class."""
        return self.sigmas

    @property
    def most_draws(self) -> int:
        """n."""
        return self.n

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Selection, ...]]:
        """Yields steps, then the selections; candidates are sigmas with their share of copies.

        A copy without an answer counts for none, and the smallest of several likeliest wins.
        """
        noise = picker_noise(self.sigma_e, self.sigmas)
        votes = yield from relay(
            draw_votes(
                self.network, images, np.full((len(images), 1), noise), self.n,
                seed=seed, caller=self.name, stage="select", batch_size=batch_size,
            )
        )  # fmt: skip
        yield Finished(tuple(self._selection(row[0]) for row in votes.counts))

    def _selection(self, counts: np.ndarray) -> Selection:
        valid = counts[:-1]
        candidates = tuple(
            (sigma, float(own / self.n)) for sigma, own in zip(self.sigmas, valid, strict=True)
        )
        notes = (f"{counts[-1]:,} of {self.n:,} copies had no answer",) if counts[-1] else ()
        return Selection(self.name, self.sigmas[int(valid.argmax())], candidates, self.n, notes)
