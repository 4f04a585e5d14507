"""The l2 attack of Carlini and Wagner (2017)."""

import math
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import Tensor

from rs_core.attacks.base import Attack
from rs_core.attacks.batch import AttackBatch, SearchResult, shortest
from rs_core.attacks.gradients import Gradient
from rs_core.attacks.loop import BestSoFar, StepRule
from rs_core.attacks.norms import per_image
from rs_core.attacks.objective import Objective
from rs_core.errors import ParameterError
from rs_core.fields import param

# tanh reaches the ends of the box at infinity; the authors' 1 - 1e-6 leaves black pixels with a
# slope of 1e-6, from which Adam does not come back within a few hundred steps.
_EDGE = 1 - 1e-4
_BETAS, _TINY = (0.9, 0.999), 1e-8
_GROWTH, _MOST = 10.0, 1e10


@dataclass(eq=False)
class TanhAdam(StepRule):
    """Adam on w with x = (tanh w + 1) / 2, downhill on |x - centre|^2 - c min(margin, kappa)."""

    centre: Tensor
    trade: Tensor  # (b,), the constant c
    rate: float
    kappa: float
    steps: int
    w: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.w = torch.atanh((2 * self.centre - 1) * _EDGE)
        self._mean, self._square = torch.zeros_like(self.w), torch.zeros_like(self.w)

    def move(self, points: Tensor, slope: Gradient, step: int) -> Tensor:
        """One Adam step (Kingma and Ba 2015)."""
        pull = torch.where(slope.outputs.value < self.kappa, self.trade, 0.0)
        downhill = 2 * (points - self.centre) - per_image(pull) * slope.gradient
        gradient = downhill * 2 * points * (1 - points)  # dx/dw = 2 x (1 - x)
        first, second = _BETAS
        self._mean = first * self._mean + (1 - first) * gradient
        self._square = second * self._square + (1 - second) * gradient.square()
        mean = self._mean / (1 - first ** (step + 1))
        square = self._square / (1 - second ** (step + 1))
        rate = self.rate * (1 + math.cos(math.pi * step / self.steps)) / 2
        self.w = self.w - rate * mean / (square.sqrt() + _TINY)
        return (torch.tanh(self.w) + 1) / 2


@dataclass(frozen=True, kw_only=True)
class Cw(Attack):
    """Carlini and Wagner (2017), l2: a search for c, each round a minimisation by Adam.

    Unlike the authors' code the learning rate falls along a cosine, so that few steps settle.

    What is climbed is the margin of the logits, averaged over the copies where there is noise.
    """

    name: ClassVar[str] = "cw"
    about: ClassVar[str] = "smallest ℓ2 norm, by Adam"

    steps: int = param(200, help="Adam steps per round", low=1, high=10_000)
    rounds: int = param(6, help="rounds of the search for c", low=1, high=30)
    rate: float = param(0.05, help="learning rate of Adam", low=0, high=10, low_open=True)
    trade: float = param(0.1, help="first c", low=0, high=1e9, low_open=True)
    kappa: float = param(0.0, help="margin that is enough", low=0, high=1000)
    refine: int = param(8, help="halvings towards the image at the end", low=0, high=40)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.expectation == "probability":
            raise ParameterError(
                "cw climbs a margin, and expectation=probability averages scores: "
                "choose expectation=loss."
            )

    @property
    def passes(self) -> int:
        """Forward and backward passes of one image."""
        return self.steps * self.rounds * self.draws

    def search(self, batch: AttackBatch) -> Generator[int, None, SearchResult]:
        """Rounds that halve the interval of c, or raise it tenfold while nothing is found."""
        best = BestSoFar(batch.pixels, nearest="l2")
        count = len(batch.pixels)
        trade = batch.pixels.new_full((count,), self.trade)
        low, high = torch.zeros_like(trade), torch.full_like(trade, _MOST)
        for _ in range(self.rounds):
            own = BestSoFar(batch.pixels, nearest="l2")
            rule = TanhAdam(batch.pixels, trade, self.rate, self.kappa, self.steps)
            last = yield from batch.ascend(batch.objective, batch.pixels, rule, own, self.steps)
            own.offer(last, *batch.judge(last))
            best.offer(own.best, own.value, own.reached)
            best.trace += own.trace
            best.broken, best.dead = best.broken + own.broken, best.dead + own.dead
            low = torch.where(own.reached, low, trade)
            high = torch.where(own.reached, trade, high)
            trade = torch.where(high < _MOST, (low + high) / 2, trade * _GROWTH)
        return shortest(batch, SearchResult.of(best), self.refine)

    def _objective(self, labels: Tensor) -> Objective:
        return replace(super()._objective(labels), loss="margin")
