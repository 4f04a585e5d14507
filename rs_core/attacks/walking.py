"""Outwards along a perturbation until fresh noise agrees, then back by halves."""

from dataclasses import dataclass

import numpy as np

from rs_core.attack_results import AttackResult
from rs_core.images import ImageInput


@dataclass
class Walk:
    """Factors along one image's perturbation: the largest that failed, the least confirmed."""

    stretch: float
    failed: float | None = None
    confirmed: float | None = None

    @property
    def goes_on(self) -> bool:
        """Whether another PREDICT could say something new."""
        if self.failed is None:
            return self.confirmed is None
        return self.stretch > 0

    @property
    def factor(self) -> float:
        """Where the next PREDICT is asked."""
        if self.failed is None:
            return 1.0
        if self.confirmed is not None:
            return (self.failed + self.confirmed) / 2
        return 1 + 2 * (self.failed - 1) + self.stretch

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
