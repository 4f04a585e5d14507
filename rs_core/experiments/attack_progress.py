"""How far a trial is, in forward passes, and what its attack has climbed so far."""

import math
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from rs_core.attacks import AttackStep
from rs_core.events import Finished, PhaseStep, Stream

R = TypeVar("R")
MOST_POINTS = 200  # of a live trace: more would be a picture finer than its pixels


@dataclass(frozen=True, eq=False)
class TrialStep(PhaseStep):
    """How far a trial is; `total` never changes.

    `losses` and `nearest` are read from the device when somebody asks for them.

    Fields:
        seen: steps of the attack on the present group of images, which grow with the run.
        count: how many of them were made when this step was.
    """

    seen: list[AttackStep]
    count: int

    @property
    def every(self) -> int:
        """Attack steps between two of `losses`."""
        return max(math.ceil(self.count / MOST_POINTS), 1)

    @cached_property
    def losses(self) -> tuple[float, ...]:
        """What was climbed, averaged over the group's images; empty for attacks without gradients.

        Restarts follow one another, and so do groups of images, the last of which is shown.
        """
        found = [step.losses for step in self.seen[: self.count : self.every]]
        return tuple(sum(losses) / len(losses) for losses in found if losses)

    @cached_property
    def nearest(self) -> float | None:
        """The smallest norm that the attack's own copies call adversarial; None for none yet.

        An opinion of the attack: nothing counts before it is confirmed on fresh noise.
        """
        if not self.count:
            return None
        found = min(self.seen[self.count - 1].nearest)
        return found if math.isfinite(found) else None


@dataclass
class Course:
    """The way through a trial of `total` forward passes, gone part by part.

    Fields:
        watching: whether the attacks of the next part are the one whose losses are shown.
    """

    total: int
    done: int = 0
    seen: list[AttackStep] = field(default_factory=list)
    watching: bool = True

    def part(self, stream: Stream[R], phase: str, cost: int) -> Generator[TrialStep, None, R]:
        """A part's steps, scaled to its `cost` forward passes and moved into the whole.

        A part that needs fewer passes jumps to its end.
        """
        yield self._step(phase, 0)
        for event in stream:
            if isinstance(event, Finished):
                self.done += cost
                return event.result
            if self.watching and isinstance(event, AttackStep):
                self._note(event)
            share = event.done / event.total if event.total else 1.0
            yield self._step(phase, int(cost * min(share, 1.0)))
        raise RuntimeError("the stream ended without a result")

    def _note(self, step: AttackStep) -> None:
        if self.seen and self.seen[-1].first != step.first:
            self.seen = []
        self.seen.append(step.settled())

    def _step(self, phase: str, reached: int) -> TrialStep:
        return TrialStep(self.done + reached, self.total, phase, self.seen, len(self.seen))
