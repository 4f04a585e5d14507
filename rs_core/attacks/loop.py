"""The one loop of every gradient attack: look, remember, move.

An attack is a goal (`losses`), a target (`targets`), and a `Mover`: the step rule with its
schedule. The loop has no synchronisation with the device and a fixed cost.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from rs_core.attacks.gradients import Account, Slope, together
from rs_core.attacks.norms import Ball, Norm, norm_of, per_image, unit
from rs_core.attacks.parallel import turn

Look = Callable[[Tensor, int], Slope]
# Steps that are remembered at once: many small operations less.
TOGETHER = 8


class Mover(ABC):
    """A step rule."""

    @abstractmethod
    def move(self, points: Tensor, slope: Slope, step: int) -> Tensor:
        """The next points (b, C, H, W), inside the pixel box."""


@dataclass(frozen=True, eq=False)
class Projected(Mover):
    """Projected gradient ascent: a step uphill, then back into ball and box.

    Steps have a fixed length, or fall to 0 along a cosine over `fading` of them. With steps of
    2 eps / steps from the clean image and `Ball.rounds` 0 these are SmoothAdv's inner steps
    (Salman et al. 2019, as their code has them): gradient normalised per image, clamped to the
    box, then shrunk to eps. Where the gradient is 0, both step in a random direction.
    """

    ball: Ball
    step_size: Tensor  # (b,)
    kick: Tensor  # (b, C, H, W), random directions of length 1
    fading: int = 0

    def move(self, points: Tensor, slope: Slope, step: int) -> Tensor:
        """Uphill, then projected."""
        uphill = unit(slope.gradient, slope.largest, self.ball.norm, self.kick)
        length = self.step_size
        if self.fading:
            length = length * ((1 + math.cos(math.pi * step / self.fading)) / 2)
        return self.ball.project(torch.addcmul(points, per_image(length), uphill))


@dataclass(eq=False)
class Record:
    """What a climb has seen: the best point so far, the trace, and how often gradients failed.

    With a norm in `nearest`, of the reached points the one nearest to the centre is kept,
    otherwise the one with the largest value; while none is reached, the largest value.
    """

    centre: Tensor
    nearest: Norm | None = None
    best: Tensor = field(init=False)
    value: Tensor = field(init=False)
    reached: Tensor = field(init=False)
    norm: Tensor = field(init=False)
    broken: Tensor = field(init=False)
    dead: Tensor = field(init=False)
    trace: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        count, device = len(self.centre), self.centre.device
        self.best = self.centre
        self.value = torch.full((count,), -torch.inf, device=device)
        self.reached = torch.zeros(count, dtype=torch.bool, device=device)
        self.norm = torch.full((count,), torch.inf, device=device)
        self.broken = torch.zeros(count, dtype=torch.int64, device=device)
        self.dead = torch.zeros(count, dtype=torch.int64, device=device)

    def see(self, points: Tensor, accounts: Sequence[Account]) -> None:
        """Remember steps' points (n, b, C, H, W), as if they had been seen one after another."""
        steps, said = len(accounts), together([account.said for account in accounts])
        values, reached = said.value.view(steps, -1), said.reached.view(steps, -1)
        self.trace += values.unbind()
        broken = ~torch.isfinite(torch.stack([account.total for account in accounts]))
        dead = torch.stack([account.largest for account in accounts]) == 0
        self.broken = self.broken + broken.sum(dim=0)
        self.dead = self.dead + (dead & ~broken).sum(dim=0)
        loud = values.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
        good = loud
        if self.nearest:
            good = -torch.stack([norm_of(x - self.centre, self.nearest) for x in points])
        good = torch.where(reached, good.clamp_min(torch.finfo(good.dtype).min), -torch.inf)
        step = torch.where(reached.any(dim=0), good.argmax(dim=0), loud.argmax(dim=0))
        at = (step, torch.arange(len(self.centre), device=step.device))
        self.offer(points[at], values[at], reached[at])

    def offer(self, points: Tensor, value: Tensor, reached: Tensor) -> Tensor:
        """Keep points that are better than the best so far; (b,) where they were."""
        value = value.nan_to_num(nan=-torch.inf, posinf=torch.inf, neginf=-torch.inf)
        louder = closer = value > self.value
        if self.nearest:
            norm = norm_of(points - self.centre, self.nearest)
            closer = norm < self.norm
        better = torch.where(self.reached, reached & closer, reached | louder)
        self.best = torch.where(per_image(better), points, self.best)
        self.value = torch.where(better, value, self.value)
        if self.nearest:
            self.norm = torch.where(better & reached, norm, self.norm)
        self.reached = self.reached | reached
        return better


def climb(
    look: Look, start: Tensor, mover: Mover, record: Record | None, steps: int
) -> Generator[int, None, Tensor]:
    """Yields the number of steps made; returns the last points, which nothing has looked at.

    Without a record only those are of interest, and nothing is remembered.
    """
    # One place for the points of all steps, and one for those that are remembered. New ones would
    # come to lie where a pass had its activations, and those of the next pass outside the caches.
    points, accounts = start.clone(), list[Account]()
    kept = 0 if record is None else min(steps, TOGETHER)
    trail = points.new_empty_strided((kept, *points.shape), (points.numel(), *points.stride()))
    for step in range(steps):
        slope = look(points, step)
        with turn():
            if record is not None:
                trail[len(accounts)] = points
                accounts.append(slope.account)
                if len(accounts) == kept or step == steps - 1:
                    record.see(trail[: len(accounts)], accounts)
                    accounts.clear()
            points.copy_(mover.move(points, slope, step))
            del slope
        yield step + 1
    return points
