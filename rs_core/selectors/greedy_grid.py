"""The crude search that Alfarra et al. (2022), appendix B, compare with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.events import Finished, Stream, relay
from rs_core.fields import param
from rs_core.images import ImageInput
from rs_core.results import Selection
from rs_core.selectors.base import Selector
from rs_core.selectors.soft_radius import CLAMP, UNCLAMPED, finite, infinite_note, soft_radius
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes


@dataclass(frozen=True, kw_only=True)
class GreedyGrid(Selector):
    """Every sigma of i * n / evaluations in (0, 1], each scored by the soft radius of n draws.

    `evaluations` is the whole budget per image, so more draws per sigma mean a coarser grid; the
    paper takes 200 and n of 1, 2, 4 or 10. Mean scores are clamped to (.001, .999), so that of
    several sigmas at which the network is sure the largest wins. The paper's equation 5 has no
    clamp (`paper`): there a mean score of exactly 1 is an infinite radius, and of several infinite
    ones the smallest sigma is taken. Ties go to the smaller sigma in both forms.
    """

    name: ClassVar[str] = "greedy_grid"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"published": {"paper": True}}

    n: int = param(1, help="draws per sigma", low=1, high=1000)
    evaluations: int = param(200, help="draws per image altogether", low=1, high=100_000)
    paper: bool = param(
        False,
        help="scores unclamped as published: the smallest sigma of those that score 1",
        later=True,
    )

    @property
    def sigmas(self) -> np.ndarray:
        """The grid, ascending; it ends at 1."""
        levels = max(self.evaluations // self.n, 1)
        return np.arange(1, levels + 1) / levels

    @property
    def possible_sigmas(self) -> tuple[float, ...]:
        """The grid."""
        return tuple(self.sigmas.tolist())

    @property
    def clamp(self) -> tuple[float, float]:
        """Bounds of the mean scores."""
        return UNCLAMPED if self.paper else CLAMP

    @property
    def most_draws(self) -> int:
        """All sigmas of the grid."""
        return len(self.sigmas) * self.n

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Selection, ...]]:
        """Yields the loop's steps, then the selections."""
        grid = np.tile(self.sigmas, (len(images), 1))
        votes = yield from relay(
            draw_votes(
                classifier, images, grid, self.n,
                seed=seed, caller=self.name, stage="select", soft=True, batch_size=batch_size,
            )
        )  # fmt: skip
        assert votes.soft is not None
        scores = soft_radius(grid, votes.soft / self.n, self.clamp)
        yield Finished(tuple(self._selection(row) for row in scores))

    def _selection(self, scores: np.ndarray) -> Selection:
        recorded = finite(self.sigmas, scores).tolist()
        return Selection(
            selector=self.name,
            sigma=float(self.sigmas[scores.argmax()]),
            candidates=tuple(zip(self.sigmas.tolist(), recorded, strict=True)),
            draws=self.n * len(scores),
            notes=infinite_note(scores),
        )
