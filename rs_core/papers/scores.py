"""What the finished images of a row say: numbers per image, and their scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rs_core.errors import CheckpointError
from rs_core.guarantees.regions.overlaps import find_overlaps
from rs_core.logs.certificates import LogRow
from rs_core.papers.folder import Pick
from rs_core.papers.table import Metric
from rs_core.results.paper import STEP, Scores


@dataclass(frozen=True, eq=False)
class Measured:
    """One row of a table with one seed, image by image.

    Fields:
        seed: of its training; None for a network that was not trained here.
        rows: of its log, one per image, with true labels.
        picks: what choosing sigma cost, in the same order.
    """

    seed: int | None
    rows: Sequence[LogRow]
    picks: Sequence[Pick]

    def values(self, metric: Metric, radius: float = 0.0) -> np.ndarray:
        """float64 (N,): the metric of each image, whose mean is the row's; `radius` of accuracy."""
        if metric == "draws":
            return np.array([float(pick.draws) for pick in self.picks])
        if metric == "evaluated":
            return np.array([float(pick.evaluated) for pick in self.picks])
        radii = np.array([row.radius for row in self.rows])
        if metric == "radius":
            return radii
        right = np.array([bool(row.correct) and row.predict is not None for row in self.rows])
        if metric == "accuracy":
            return (right & (radii >= radius)).astype(np.float64)
        return np.asarray(radii * right)

    def scores(self, pixels: np.ndarray | None = None) -> Scores:
        """The means; with pixels (N, d) the balls that meet another are counted, too.

        Raises:
            CheckpointError: a row has no badge, or the rows are of several networks or badges.
        """
        named = {(row.weights, row.precision, row.guarantee) for row in self.rows}
        weights, precision, badge = named.pop() if len(named) == 1 else (None, None, None)
        if weights is None or precision is None or badge is None:
            raise CheckpointError(
                "a log of the folder mixes networks or badges: delete the log to go on."
            )
        return Scores(
            seed=self.seed,
            weights_id=weights,
            precision=precision,
            badge=badge,
            images=len(self.rows),
            abstained=sum(row.predict is None for row in self.rows),
            acr=float(self.values("acr").mean()),
            mean_radius=float(self.values("radius").mean()),
            curve=self._curve(),
            mean_sigma=float(np.mean([row.sigma for row in self.rows])),
            draws=float(self.values("draws").mean()),
            evaluated=float(self.values("evaluated").mean()),
            meeting=None if pixels is None else self._meeting(pixels),
        )

    def _curve(self) -> tuple[float, ...]:
        longest = float(self.values("acr").max())
        steps = range(int(longest / STEP + 1e-9) + 1)
        return tuple(float(self.values("accuracy", round(k * STEP, 10)).mean()) for k in steps)

    def _meeting(self, pixels: np.ndarray) -> int:
        radii = self.values("radius")
        return int((find_overlaps(pixels, radii).degrees > 0).sum())
