"""Decoupled direction and norm: Rony et al. (2019), for the smallest l2 perturbation."""

import math
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from rs_core.attacks.base import UNIT, Attack
from rs_core.attacks.batch import Found, Scene, shortest
from rs_core.attacks.gradients import Slope
from rs_core.attacks.loop import Mover, Record
from rs_core.attacks.norms import Ball, directions, per_image, unit
from rs_core.fields import param

_STEP_END = 0.01  # the cosine schedule ends at this share of the first step


@dataclass(eq=False)
class Decoupled(Mover):
    """Rony et al. (2019), Algorithm 1: the norm shrinks by gamma where the goal holds, else grows.

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

    def move(self, points: Tensor, slope: Slope, step: int) -> Tensor:
        """One step uphill, then onto the sphere of the new norm."""
        turn = (1 + math.cos(math.pi * step / self.steps)) / 2
        length = self.first * (_STEP_END + (1 - _STEP_END) * turn)
        self._delta = self._delta + length * unit(slope.gradient, slope.largest, "l2", self.kick)
        self.norm = self.norm * torch.where(slope.said.reached, 1 - self.gamma, 1 + self.gamma)
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

    def search(self, scene: Scene) -> Generator[int, None, Found]:
        """One run, the nearest point that reached the goal."""
        return (yield from decouple(self, scene))


def decouple(attack: "Ddn", scene: Scene) -> Generator[int, None, Found]:
    """The search of `Ddn`, for whoever needs it as a first part."""
    norm = scene.pixels.new_full((len(scene.pixels),), attack.first_norm)
    kick = directions(scene.normals(0), "l2")
    mover = Decoupled(scene.pixels, kick, norm, attack.gamma, attack.step_size, attack.steps)
    record = Record(scene.pixels, nearest="l2")
    last = yield from scene.climb(scene.goal, scene.pixels, mover, record, attack.steps)
    record.offer(last, *scene.judge(last))
    record.best = torch.where(per_image(record.reached), record.best, last)
    return shortest(scene, Found.of(record), attack.refine)
