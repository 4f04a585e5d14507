"""The one verb's vocabulary: everything slow yields steps and ends in one `Finished(result)`."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

R = TypeVar("R")


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
