"""The one loop of every gradient attack: evaluate, remember, move.

An attack is an objective (`objective`), a target (`targets`) and a `StepRule` with its schedule.
The loop has no synchronisation with the device and a fixed cost.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from rs_core.attacks.gradients import Gradient, StepSummary, together
from rs_core.attacks.norms import Ball, Norm, norm_of, per_image, unit
from rs_core.attacks.parallel import one_at_a_time

Evaluate = Callable[[Tensor, int], Gradient]
# Steps that are remembered at once: many small operations less.
TOGETHER = 8


class StepRule(ABC):
    """A step rule."""

    @abstractmethod
    def move(self, points: Tensor, slope: Gradient, step: int) -> Tensor:
        """The next points (b, C, H, W), inside the pixel box."""


@dataclass(frozen=True, eq=False)
class Projected(StepRule):
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

    def move(self, points: Tensor, slope: Gradient, step: int) -> Tensor:
        """Uphill, then projected."""
        uphill = unit(slope.gradient, slope.largest, self.ball.norm, self.kick)
        length = self.step_size
        if self.fading:
            length = length * ((1 + math.cos(math.pi * step / self.fading)) / 2)
        return self.ball.project(torch.addcmul(points, per_image(length), uphill))


@dataclass(eq=False)
class BestSoFar:
    """What an ascent has seen: the best point so far, the trace, and how often gradients failed.

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

    def see(self, points: Tensor, summaries: Sequence[StepSummary]) -> None:
        """Remember steps' points (n, b, C, H, W), as if they had been seen one after another."""
        steps, outputs = len(summaries), together([summary.outputs for summary in summaries])
        values, reached = outputs.value.view(steps, -1), outputs.reached.view(steps, -1)
        self.trace += values.unbind()
        broken = ~torch.isfinite(torch.stack([summary.total for summary in summaries]))
        dead = torch.stack([summary.largest for summary in summaries]) == 0
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


def ascend(
    evaluate: Evaluate, start: Tensor, rule: StepRule, best: BestSoFar | None, steps: int
) -> Generator[int, None, Tensor]:
    """Yields the number of steps made; returns the last points, which nothing has looked at.

    Without a record only those are of interest, and nothing is remembered.
    """
    # One place for the points of all steps, and one for those that are remembered. New ones would
    # come to lie where a pass had its activations, and those of the next pass outside the caches.
    points, summaries = start.clone(), list[StepSummary]()
    kept = 0 if best is None else min(steps, TOGETHER)
    trail = points.new_empty_strided((kept, *points.shape), (points.numel(), *points.stride()))
    for step in range(steps):
        seen = evaluate(points, step)
        with one_at_a_time():
            if best is not None:
                trail[len(summaries)] = points
                summaries.append(seen.summary)
                if len(summaries) == kept or step == steps - 1:
                    best.see(trail[: len(summaries)], summaries)
                    summaries.clear()
            points.copy_(rule.move(points, seen, step))
            del seen
        yield step + 1
    return points
