"""A grid of sigmas, each tried on every image: Wang et al. (2021), equations 5 and 7."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, relay
from rs_core.fields import param
from rs_core.images import ImageInput
from rs_core.results import Selection, Votes
from rs_core.selectors.base import Selector
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes
from rs_core.statistics import l2_radius, lower_confidence_bound

_UNIT = "pixels of [0,1]"
_MOST = 1000


@dataclass(frozen=True, kw_only=True)
class Grid(Selector):
    """The sigma of a grid with the largest radius, as `n` selection draws estimate it.

    The grid holds the multiples of `interval` between the ends, and both ends: a multiple of .05
    alone would leave out an end such as .12. The paper's grid has the multiples only (`ends` off).
    Where no sigma certifies, the smallest is taken and noted. Ties go to the smaller sigma.
    """

    name: ClassVar[str] = "grid"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"published": {"ends": False}}

    sigma_min: float = param(0.12, help="smallest sigma", unit=_UNIT, low=0, low_open=True)
    sigma_max: float = param(1.0, help="largest sigma", unit=_UNIT, low=0, high=SIGMA_MAX)
    interval: float = param(0.05, help="step of the grid", unit=_UNIT, low=0, low_open=True)
    n: int = param(1000, help="selection draws per sigma", low=1, high=1e7)
    alpha: float = param(1e-3, help="level of the estimated radii", low=0, high=0.5, low_open=True)
    label_aware: bool = param(False, help="a wrong class scores 0; for training, equation 5")
    agree: bool = param(False, help="only sigmas that vote for the smallest sigma's class")
    ends: bool = param(
        True, help="both ends too; off: multiples of interval only, as published", later=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sigma_min < self.sigma_max:
            raise ParameterError(
                f"sigma_min={self.sigma_min:g} must lie below sigma_max={self.sigma_max:g}: "
                "to use one sigma take the selector fixed."
            )
        if self.interval > (self.sigma_max - self.sigma_min) * (1 + 1e-6):
            raise ParameterError(
                f"interval={self.interval:g} is longer than the range from {self.sigma_min:g} to "
                f"{self.sigma_max:g}: give a shorter one."
            )
        if (self.sigma_max - self.sigma_min) / self.interval > _MOST:
            raise ParameterError(
                f"interval={self.interval:g} makes more than {_MOST} sigmas: give a longer one."
            )
        if not len(self.sigmas):
            raise ParameterError(
                f"no multiple of interval={self.interval:g} lies from {self.sigma_min!r} to "
                f"{self.sigma_max!r}: switch ends on, or give a shorter interval."
            )

    @property
    def sigmas(self) -> np.ndarray:
        """The grid, ascending: whole multiples of the interval, and both ends exactly.

        Without `ends`, an end counts where it is a multiple itself.
        """
        first = int(np.floor(self.sigma_min / self.interval)) + 1
        last = int(np.ceil(self.sigma_max / self.interval)) - 1
        inside = np.arange(first, last + 1) * self.interval
        near = 1e-9 * self.interval
        inside = inside[(inside > self.sigma_min + near) & (inside < self.sigma_max - near)]
        low, high = (
            [end] if self.ends or _is_multiple(end, self.interval) else []
            for end in (self.sigma_min, self.sigma_max)
        )
        return np.array([*low, *inside, *high])

    @property
    def possible_sigmas(self) -> tuple[float, ...]:
        """The grid."""
        return tuple(self.sigmas.tolist())

    @property
    def most_draws(self) -> int:
        """All sigmas of the grid."""
        return len(self.sigmas) * self.n

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse images without a label where the label is read."""
        if self.label_aware and any(image.label is None for image in images):
            raise ParameterError(
                "label_aware needs every image's true label: give it, or leave label_aware off."
            )

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Selection, ...]]:
        """Yields the loop's steps, then the selections.

        Raises:
            ParameterError: label_aware, and an image has no label.
        """
        self.check(classifier, images)
        grid = np.tile(self.sigmas, (len(images), 1))
        votes = yield from relay(
            draw_votes(
                classifier, images, grid, self.n,
                seed=seed, caller=self.name, stage="select", batch_size=batch_size,
            )
        )  # fmt: skip
        yield Finished(self._chosen(votes, images))

    def _chosen(self, votes: Votes, images: Sequence[ImageInput]) -> tuple[Selection, ...]:
        top = votes.counts.argmax(axis=-1)
        n_top = votes.counts.max(axis=-1)
        scores = np.asarray(
            l2_radius(votes.sigmas, lower_confidence_bound(n_top, votes.n, self.alpha))
        )
        scores = np.where(top == votes.counts.shape[-1] - 1, 0.0, scores)
        if self.label_aware:
            scores = np.where(top == np.array([[image.label] for image in images]), scores, 0.0)
        if self.agree:
            scores = np.where(top == top[:, :1], scores, 0.0)
        draws = votes.n * votes.sigmas.shape[1]
        return tuple(
            Selection(
                selector=self.name,
                sigma=float(sigmas[row.argmax()]),
                candidates=tuple(zip(sigmas.tolist(), row.tolist(), strict=True)),
                draws=draws,
                notes=() if row.any() else ("no sigma of the grid certifies: the smallest taken",),
            )
            for sigmas, row in zip(votes.sigmas, scores, strict=True)
        )


def _is_multiple(value: float, interval: float) -> bool:
    return abs(value / interval - round(value / interval)) < 1e-9
