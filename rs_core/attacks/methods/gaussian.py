"""Noise of the same norm: what an attack must beat to have found anything."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar

import torch

from rs_core.attacks.base import UNIT, Attack
from rs_core.attacks.batch import AttackBatch, SearchResult
from rs_core.attacks.loop import BestSoFar
from rs_core.attacks.norms import Ball, Norm, directions
from rs_core.fields import param


@dataclass(frozen=True, kw_only=True)
class Gaussian(Attack):
    """Random directions of length eps, the best of `tries` kept; linf: random signs."""

    name: ClassVar[str] = "gaussian"
    about: ClassVar[str] = "only noise, to compare with"
    gradient_free: ClassVar[bool] = True

    norm: Norm = param("l2", help="ball of the perturbation", choices=("l2", "linf"))
    eps: float = param(0.5, help="norm of the noise", unit=UNIT, low=0, high=1000, low_open=True)
    tries: int = param(10, help="directions", low=1, high=10_000)

    @property
    def passes(self) -> int:
        """Directions, whatever the number of copies that judge each."""
        return self.tries

    def search(self, batch: AttackBatch) -> Generator[int, None, SearchResult]:
        """Each direction in turn; forward passes only."""
        best = BestSoFar(batch.pixels)
        eps = batch.pixels.new_full((len(batch.pixels),), self.eps)
        ball = Ball(batch.pixels, eps, self.norm)
        for index in range(self.tries):
            jump = self.eps * directions(batch.normals(index), self.norm)
            points = ball.project(batch.pixels + jump)
            value, reached = batch.judge(points)
            best.trace.append(torch.where(value > best.value, value, best.value))
            best.offer(points, value, reached)
            yield 1
        return SearchResult.of(best)
