"""Searches side by side: each core takes some images through every step on its own.

Within a lane a step's passes, record and move run in one thread of the pool that also draws votes:
no barrier in any layer, and activations stay in cache. Lanes do not wait for each other either: one
may be a few steps ahead of what has been read of all.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from queue import SimpleQueue
from threading import Lock
from typing import Generic, TypeVar

from rs_core.smoothing.threads import block_threads

A = TypeVar("A")
B = TypeVar("B")
# Steps that a lane may be ahead. Two keep a core busy; more would keep others from the cores longer
# when nobody reads on.
AHEAD = 2
# Held for a lane's small operations. Those of two lanes at once would hand the interpreter to and
# fro after each of them; so one lane makes all of its own, and then their passes are out of step.
TURN = Lock()


def lane_map(threads: int, run: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """Each item's answer, in order, by threads that compute alone; with 1 by the caller's own."""
    if threads == 1:
        return [run(item) for item in items]
    return list(block_threads(threads).map(run, items))


def abreast(
    threads: int, lanes: Sequence[Generator[A, None, B]]
) -> Generator[list[A], None, list[B]]:
    """Yields what the lanes' steps say, step by step; returns what all of them return."""
    running: list[Iterator[A]] = [Ahead(threads, lane) if threads > 1 else lane for lane in lanes]
    try:
        while True:
            said: list[A] = []
            ended: list[B] = []
            for lane in running:
                try:
                    said.append(next(lane))
                except StopIteration as end:
                    ended.append(end.value)
            if ended:
                assert not said, "searches of equal cost end together"
                return ended
            yield said
    finally:
        for lane in running:
            if isinstance(lane, Ahead):
                lane.stop()


@dataclass(frozen=True)
class _Item(Generic[A]):
    item: A


@dataclass(frozen=True)
class _End:
    why: BaseException


class Ahead(Generic[A, B]):
    """An iterator over a generator that another thread runs, up to `AHEAD` items before its reader.

    The thread is a pool's, so it is given back, never held, while nobody reads.
    """

    def __init__(self, threads: int, generator: Generator[A, None, B]) -> None:
        self._pool, self._generator = block_threads(threads), generator
        self._made: SimpleQueue[_Item[A] | _End] = SimpleQueue()
        self._lock = Lock()
        self._unread, self._over, self._running = 0, False, True
        self._task = self._pool.submit(self._run)

    def __iter__(self) -> "Ahead[A, B]":
        return self

    def __next__(self) -> A:
        """The next item; what the generator raises, `StopIteration` with its value among it."""
        made = self._made.get()
        with self._lock:
            self._unread -= 1
            if not self._running and not self._over:
                self._running = True
                self._task = self._pool.submit(self._run)
        if isinstance(made, _End):
            self._made.put(made)  # whoever asks again hears it again
            raise made.why
        return made.item

    def stop(self) -> None:
        """Make no further item; returns once the thread has let go of the generator."""
        with self._lock:
            self._over = True
        self._task.result()
        self._generator.close()

    def _run(self) -> None:
        while self._goes_on():
            made: _Item[A] | _End
            try:
                made = _Item(next(self._generator))
            except BaseException as ended:
                self._over, made = True, _End(ended)
            with self._lock:
                self._unread += 1
            self._made.put(made)

    def _goes_on(self) -> bool:
        with self._lock:
            self._running = not self._over and self._unread < AHEAD
            return self._running


def shares(count: int, lanes: int) -> list[range]:
    """`count` images in as many runs as there are lanes, of nearly equal length."""
    edges = [count * lane // lanes for lane in range(lanes + 1)]
    return [range(first, last) for first, last in pairwise(edges)]
