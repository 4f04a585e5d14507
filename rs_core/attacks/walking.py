"""Along a perturbation until fresh noise changes its mind, then by halves towards the change."""

from dataclasses import dataclass

import numpy as np

from rs_core.images import ImageInput
from rs_core.results.attack import AttackResult


@dataclass
class Walk:
    """Factors along one image's perturbation: the largest that failed, the least confirmed.

    Steps of `stretch`, 2 `stretch`, 4 `stretch`... lead outwards from a point that failed and
    inwards from one that was confirmed: the attack's own copies may have asked too little or too
    much of it.
    """

    stretch: float
    failed: float | None = None
    confirmed: float | None = None

    @property
    def goes_on(self) -> bool:
        """Whether another PREDICT could say something new."""
        asked = self.failed is not None or self.confirmed is not None
        return self.stretch > 0 or not asked

    @property
    def factor(self) -> float:
        """Where the next PREDICT is asked."""
        if self.failed is not None and self.confirmed is not None:
            return (self.failed + self.confirmed) / 2
        if self.failed is not None:
            return 1 + 2 * (self.failed - 1) + self.stretch
        if self.confirmed is not None:
            return max(1 - 2 * (1 - self.confirmed) - self.stretch, self.confirmed / 2)
        return 1.0

    def point(self, image: ImageInput, result: AttackResult) -> np.ndarray:
        """The pixels there, in the box."""
        if self.factor == 1:
            return result.adversarial
        moved = image.pixels + np.float32(self.factor) * (result.adversarial - image.pixels)
        return np.asarray(np.clip(moved, 0, 1), dtype=np.float32)

    def heard(self, flips: bool) -> None:
        """Take one answer in."""
        if flips:
            self.confirmed = self.factor
        else:
            self.failed = self.factor
