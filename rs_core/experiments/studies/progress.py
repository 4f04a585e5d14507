"""How far a study is: one count of forward passes over all its parts, and the curves so far."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rs_core.events import Finished, PhaseStep, Stream
from rs_core.results.study import FrontierStudy, NoiseStudy, StrengthStudy, Study

R = TypeVar("R")
S = TypeVar("S", NoiseStudy, StrengthStudy, FrontierStudy)
BACKWARD = 3  # forward passes that one forward and backward pass costs


@dataclass(frozen=True)
class StudyStep(PhaseStep):
    """How far a study is; `partial` is the study with the points that are finished."""

    partial: Study


@dataclass
class Course(Generic[S]):
    """The way through a study of `total` forward passes; the total is an upper bound."""

    total: int
    partial: S
    done: int = 0
    _reached: int = field(default=0, init=False)

    def part(
        self, stream: Stream[R], phase: str, cost: int, *, times: int = 1
    ) -> Generator[StudyStep, None, R]:
        """A part's steps, moved into the whole; its result.

        Args:
            phase: what is being done, in words.
            cost: the most forward passes that it takes.
            times: forward passes of one unit that the part itself counts.
        """
        yield self._step(phase, 0)
        for event in stream:
            if isinstance(event, Finished):
                self.done += cost
                return event.result
            yield self._step(phase, min(event.done * times, cost))
        raise RuntimeError("the stream ended without a result")

    def _step(self, phase: str, reached: int) -> StudyStep:
        self._reached = max(self._reached, self.done + reached)
        return StudyStep(self._reached, self.total, phase, self.partial)
