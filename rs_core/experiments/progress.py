"""How far a comparison is: one count of forward passes over all its parts, and their CPU time."""

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeVar

from rs_core.events import Finished, PhaseStep, Stream
from rs_core.results.comparison import MethodScore

R = TypeVar("R")


@dataclass(frozen=True)
class CompareStep(PhaseStep):
    """How far a comparison is; `scores` of the methods that are finished, in their order.

    `total` is the most forward passes that the comparison can cost and never changes: a part
    that needs fewer jumps to its end.
    """

    scores: tuple[MethodScore, ...]


@dataclass
class Course:
    """The way through a comparison of `total` forward passes.

    `seconds` is the CPU time of the parts so far, without what other runs of the process cost
    between their steps.
    """

    total: int
    done: int = 0
    seconds: float = 0.0
    scores: tuple[MethodScore, ...] = field(default=())

    def part(self, stream: Stream[R], phase: str, cost: int) -> Generator[CompareStep, None, R]:
        """A part's steps, moved into the whole; its result. `cost` is the most it can take."""
        reached = 0
        yield self._step(phase, 0)
        while True:
            started = time.process_time()
            event = next(stream)
            self.seconds += time.process_time() - started
            if isinstance(event, Finished):
                self.done += cost
                return event.result
            reached = max(reached, min(event.done, cost))
            yield self._step(phase, reached)

    def _step(self, phase: str, reached: int) -> CompareStep:
        return CompareStep(self.done + reached, self.total, phase, self.scores)
