"""A classifier of images into sigmas, smoothed by noise of its own: Sun et al. (2026)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, relay
from rs_core.fields import param
from rs_core.images import ImageInput
from rs_core.results import Selection
from rs_core.selectors.base import Selector
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes

_UNIT = "pixels of [0,1]"


_NAMED = "sigma "  # how `rs train --recipe dual_rs` names its classes


def check_named(class_names: Sequence[str], sigmas: Sequence[float]) -> None:
    """Refuse other sigmas than those that a picker's classes are named by, where they are.

    Raises:
        ParameterError: names the first that differs.
    """
    for name, sigma in zip(class_names, sigmas, strict=True):
        if name.startswith(_NAMED) and name != f"{_NAMED}{sigma:g}":
            raise ParameterError(
                f"the picker's class {name!r} cannot stand for sigma={sigma:g}: give the sigmas "
                "that it was taught, in their order."
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class SigmaClassifier(Selector):
    """The sigma that most noisy copies of the image are put into.

    Fields:
        network: one class for each sigma, in their order.
    """

    name: ClassVar[str] = "sigma_classifier"

    network: Classifier
    sigmas: tuple[float, ...] = param(
        (0.25, 0.5, 1.0), help="what its classes stand for", unit=_UNIT, low=0, high=SIGMA_MAX,
        low_open=True,
    )  # fmt: skip
    sigma_e: float | None = param(
        None, help="noise of its copies; the largest sigma by default", unit=_UNIT, low=0,
        high=SIGMA_MAX, low_open=True,
    )  # fmt: skip
    n: int = param(100, help="noisy copies that are put into sigmas", low=1, high=1e7)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.network, Classifier):
            raise ParameterError("sigma_classifier needs a classifier of images into sigmas.")
        if self.network.num_classes != len(self.sigmas):
            raise ParameterError(
                f"{self.network.title} has {self.network.num_classes} classes, and "
                f"{len(self.sigmas)} sigmas are declared: give one sigma for each class."
            )
        check_named(self.network.spec.class_names, self.sigmas)

    @property
    def possible_sigmas(self) -> tuple[float, ...]:
        """Every sigma of a class."""
        return tuple(sorted(self.sigmas))

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
        noise = self.sigma_e or max(self.sigmas)
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
