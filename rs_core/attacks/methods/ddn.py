"""Decoupled direction and norm: Rony et al. (2019), for the smallest l2 perturbation."""

import math
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from rs_core.attacks.base import UNIT, Attack
from rs_core.attacks.batch import AttackBatch, SearchResult, shortest
from rs_core.attacks.gradients import Gradient
from rs_core.attacks.loop import BestSoFar, StepRule
from rs_core.attacks.norms import Ball, directions, per_image, unit
from rs_core.fields import param

_STEP_END = 0.01  # the cosine schedule ends at this share of the first step


@dataclass(eq=False)
class Decoupled(StepRule):
    """Rony et al. (2019), Algorithm 1: the norm shrinks by gamma at success, else grows.

    The step length falls from `first` to a hundredth of it along a cosine. With `levels` the
    points are rounded to that many pixel values, as in the published code.
    """

    centre: Tensor
    kick: Tensor
    norm: Tensor  # (b,)
    gamma: float
    first: float
    steps: int
    levels: int = 0
    _delta: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self._delta = torch.zeros_like(self.centre)

    def move(self, points: Tensor, slope: Gradient, step: int) -> Tensor:
        """One step uphill, then onto the sphere of the new norm."""
        turn = (1 + math.cos(math.pi * step / self.steps)) / 2
        length = self.first * (_STEP_END + (1 - _STEP_END) * turn)
        self._delta = self._delta + length * unit(slope.gradient, slope.largest, "l2", self.kick)
        self.norm = self.norm * torch.where(slope.outputs.reached, 1 - self.gamma, 1 + self.gamma)
        moved = Ball(self.centre, self.norm, "l2").onto_sphere(self.centre + self._delta)
        if self.levels:
            moved = moved.mul_(self.levels - 1).round_().div_(self.levels - 1)
        self._delta = moved - self.centre
        return moved


@dataclass(frozen=True, kw_only=True)
class Ddn(Attack):
    """Rony et al. (2019), DDN: the direction follows the gradient, the norm a rule of its own.

    `refine=0` ends as published; otherwise the point found is drawn towards the image by that
    many halvings, forward passes only. Where nothing is found, the last point is returned.
    """

    name: ClassVar[str] = "ddn"
    about: ClassVar[str] = "smallest ℓ2 norm"

    steps: int = param(100, help="gradient steps", low=1, high=10_000)
    gamma: float = param(
        0.05, help="share by which the norm changes", low=0, high=1, low_open=True, high_open=True
    )
    first_norm: float = param(1.0, help="norm of the first step", unit=UNIT, low=0, low_open=True)
    step_size: float = param(
        1.0, help="length of the first step", unit=UNIT, low=0, high=1000, low_open=True
    )
    refine: int = param(8, help="halvings towards the image at the end", low=0, high=40)

    @property
    def passes(self) -> int:
        """Forward and backward passes of one image."""
        return self.steps * self.draws

    def search(self, batch: AttackBatch) -> Generator[int, None, SearchResult]:
        """One run, the nearest point that reached the objective."""
        return (yield from decouple(self, batch))


def decouple(attack: "Ddn", batch: AttackBatch) -> Generator[int, None, SearchResult]:
    """The search of `Ddn`, for whoever needs it as a first part."""
    norm = batch.pixels.new_full((len(batch.pixels),), attack.first_norm)
    kick = directions(batch.normals(0), "l2")
    rule = Decoupled(batch.pixels, kick, norm, attack.gamma, attack.step_size, attack.steps)
    best = BestSoFar(batch.pixels, nearest="l2")
    last = yield from batch.ascend(batch.objective, batch.pixels, rule, best, attack.steps)
    best.offer(last, *batch.judge(last))
    best.best = torch.where(per_image(best.reached), best.best, last)
    return shortest(batch, SearchResult.of(best), attack.refine)
