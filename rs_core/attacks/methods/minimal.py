"""The smallest perturbation that flips the smoothed classifier, as far as it can be found."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from rs_core.attacks.base import UNIT
from rs_core.attacks.batch import AttackBatch, SearchResult, shortest
from rs_core.attacks.loop import BestSoFar
from rs_core.attacks.methods.ddn import Ddn, decouple
from rs_core.attacks.methods.pgd import Epgd
from rs_core.attacks.norms import Ball, directions, norm_of, per_image
from rs_core.fields import param

Method = Literal["both", "bisection", "decay"]


@dataclass(frozen=True, kw_only=True)
class Minimal(Epgd):
    """The smallest norm: DDN's norm decay, then bisection of eps over EPGD with warm starts.

    Each round of the bisection attacks at the middle of the interval, from the last point that
    worked, brought into the smaller ball. A round that fails is no proof, so the interval's lower
    end means nothing. `eps` is the most that is looked at. In linf only bisection is done.
    """

    name: ClassVar[str] = "minimal"
    about: ClassVar[str] = "smallest norm that flips the vote"
    needs_noise: ClassVar[bool] = True
    bounded: ClassVar[bool] = False

    eps: float = param(3.0, help="largest norm", unit=UNIT, low=0, high=1000, low_open=True)
    judged: int = param(128, help="noisy copies that decide what is kept", low=1, high=32_768)
    method: Method = param(
        "both", help="decay (DDN), bisection, or both", choices=("both", "bisection", "decay")
    )
    rounds: int = param(8, help="rounds of bisection", low=1, high=40)
    gamma: float = param(
        0.05, help="share by which DDN's norm changes", low=0, high=1, low_open=True, high_open=True
    )
    refine: int = param(8, help="halvings towards the image at the end", low=0, high=40)

    @property
    def decays(self) -> bool:
        """Whether DDN comes first."""
        return self.method != "bisection" and self.norm == "l2"

    @property
    def bisections(self) -> int:
        """Rounds of bisection."""
        return 0 if self.method == "decay" and self.norm == "l2" else self.rounds

    @property
    def passes(self) -> int:
        """Forward and backward passes of one image."""
        return (self.decays + self.bisections) * self.steps * self.draws

    @property
    def looks(self) -> int:
        """Steps of all parts."""
        return (self.decays + self.bisections) * self.steps

    def search(self, batch: AttackBatch) -> Generator[int, None, SearchResult]:
        """The nearest point of all parts, then drawn towards the image."""
        best = BestSoFar(batch.pixels, nearest=self.norm)
        if self.decays:
            first = yield from decouple(self._decay(), batch)
            best.offer(first.pixels, *batch.judge(first.pixels))
            best.trace += list(first.trace)
            best.broken, best.dead = first.broken, first.dead
        yield from self._bisect(batch, best)
        found = shortest(batch, SearchResult.of(best), self.refine)
        budget = Ball(batch.pixels, torch.full_like(best.norm, self.eps), self.norm)
        found.success &= norm_of(found.pixels - batch.pixels, self.norm) <= self.eps
        found.pixels = torch.where(
            per_image(found.success), found.pixels, budget.project(found.pixels)
        )
        return found

    def _decay(self) -> Ddn:
        return Ddn(
            sigma=self.sigma, draws=self.draws, selector=self.selector, reselect=self.reselect,
            steps=self.steps, gamma=self.gamma, first_norm=min(1.0, self.eps), refine=1,
        )  # fmt: skip

    def _bisect(self, batch: AttackBatch, best: BestSoFar) -> Generator[int, None, None]:
        low = batch.pixels.new_zeros(len(batch.pixels))
        for index in range(self.bisections):
            high = best.norm.clamp_max(self.eps)
            # While nothing is known to work, only the whole budget is worth a try.
            eps = torch.where(best.reached, (low + high) / 2, high)
            own = BestSoFar(batch.pixels, nearest=self.norm)
            ball = Ball(batch.pixels, eps, self.norm)
            kick = directions(batch.normals(2 * index), self.norm)
            rule = self._steps_in(ball, kick)
            start = self._warm(batch, best, ball, index)
            last = yield from batch.ascend(batch.objective, start, rule, own, self.steps)
            worked = torch.zeros_like(best.reached)
            for points in (own.best, last):
                value, reached = batch.judge(points)
                best.offer(points, value, reached)
                worked |= reached
            low = torch.where(worked | ~best.reached, low, eps)
            best.trace += own.trace
            best.broken, best.dead = best.broken + own.broken, best.dead + own.dead

    def _warm(self, batch: AttackBatch, best: BestSoFar, ball: Ball, index: int) -> Tensor:
        """The last point that worked, in this round's ball; a random point where none has."""
        cold = ball.scattered(batch.normals(2 * index + 1), batch.uniforms(index))
        return torch.where(per_image(best.reached), ball.project(best.best), cold)
