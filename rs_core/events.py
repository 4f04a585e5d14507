"""The one verb's vocabulary: everything slow yields steps and ends in one `Finished(result)`."""

import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

R = TypeVar("R")
S = TypeVar("S", bound="PhaseStep")


@dataclass(frozen=True)
class Step:
    """Progress: `done` of `total` units of work. Kinds of step add their own fields."""

    done: int
    total: int


@dataclass(frozen=True)
class PhaseStep(Step):
    """A step that says in words what is being done, e.g. "grid picks"."""

    phase: str


@dataclass(frozen=True)
class Finished(Generic[R]):
    """The last event of a stream, with its result."""

    result: R


Stream = Iterator[Step | Finished[R]]


def drain(stream: Stream[R]) -> R:
    """The result of a stream, run to its end.

    Raises:
        RuntimeError: the stream ended without `Finished` (a bug in the stream).
    """
    for event in stream:
        if isinstance(event, Finished):
            return event.result
    raise RuntimeError("the stream ended without a result")


def relay(
    stream: Stream[R], *, before: int = 0, total: int | None = None
) -> Generator[Step, None, R]:
    """Pass a stream's steps on and return its result: `result = yield from relay(stream)`.

    A stream that is one part of a longer job names the work done `before` it and the job's
    `total`; its steps are moved there, so that progress only ever grows.
    """
    for event in stream:
        if isinstance(event, Finished):
            return event.result
        yield event if total is None else replace(event, done=before + event.done, total=total)
    raise RuntimeError("the stream ended without a result")


def still(stream: Stream[R], done: int, total: int) -> Generator[Step, None, R]:
    """Like `relay` for a part that is not counted: each of its steps repeats `done` of `total`."""
    for event in stream:
        if isinstance(event, Finished):
            return event.result
        yield Step(done=done, total=total)
    raise RuntimeError("the stream ended without a result")


class Progress(ABC, Generic[S]):
    """The way through a job of several parts: one count of forward passes over all of them.

    Attributes:
        total: the most forward passes that the job can cost; never changes.
        done: of the parts that are over, each at the most that it could cost.
        seconds: CPU time of the parts so far, without what other runs of the process cost
            between their steps.
    """

    def __init__(self, total: int) -> None:
        self.total, self.done, self.seconds = total, 0, 0.0

    def part(self, stream: Stream[R], phase: str, cost: int) -> Generator[S, None, R]:
        """A part's steps, scaled to its cost and moved into the whole; its result.

        Args:
            stream: the part.
            phase: what it does, in words.
            cost: the most forward passes it can take; it jumps there at its end.

        Raises:
            RuntimeError: the stream ended without `Finished` (a bug in the stream).
        """
        reached = 0
        yield self.step(self.done, phase, None)
        while True:
            started = time.process_time()
            event = next(stream, None)
            self.seconds += time.process_time() - started
            if event is None:
                raise RuntimeError("the stream ended without a result")
            if isinstance(event, Finished):
                self.done += cost
                return event.result
            reached = max(reached, min(cost * event.done // max(event.total, 1), cost))
            yield self.step(self.done + reached, phase, event)

    def skip(self, cost: int) -> None:
        """Count a part that is not needed."""
        self.done += cost

    @abstractmethod
    def step(self, done: int, phase: str, event: Step | None) -> S:
        """What the job shows at a step of a part; None before its first."""
