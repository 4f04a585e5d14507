"""Searches side by side: each core takes some images through every step on its own.

Within a shard a step's passes, best and move run in one thread of the pool that also draws votes:
no barrier in any layer, and activations stay in cache.
"""

import os
from collections.abc import Generator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from queue import SimpleQueue
from threading import Lock, get_ident
from typing import Generic, TypeVar

from rs_core.smoothing.threads import block_threads

A = TypeVar("A")
B = TypeVar("B")


@lru_cache(maxsize=1)
def one_at_a_time() -> Lock:
    """Held for a shard's small operations.

    Those of two shards at once would contend for the GIL; so one shard makes all of its own, and
    from then on their passes are out of step.
    """
    return Lock()


if hasattr(os, "register_at_fork"):
    # A thread of the parent may hold it.
    os.register_at_fork(after_in_child=one_at_a_time.cache_clear)


def run_side_by_side(
    threads: int, shards: Sequence[Generator[A, None, B]]
) -> Generator[list[A], None, list[B]]:
    """Yields what the shards' steps say, step by step; returns what all of them return.

    Shards do not wait for each other while the reader waits for them. When it holds a step, or
    closes the stream, each ends the step that it is in and makes no other until asked again.
    """
    walks = [_Walk(shard, threads) for shard in shards]
    try:
        while True:
            for walk in walks:
                walk.ask()
            heard = [walk.heard() for walk in walks]
            for walk in walks:
                walk.hold()
            ends = [one.result for one in heard if isinstance(one, _End)]
            if ends:
                assert len(ends) == len(walks), "searches of equal cost end together"
                return ends
            yield [one for one in heard if not isinstance(one, _End)]
    finally:
        for walk in walks:
            walk.rest()


def split_in_shards(count: int, shards: int) -> list[range]:
    """`count` images in as many runs as there are shards, of nearly equal length."""
    edges = [count * shard // shards for shard in range(shards + 1)]
    return [range(first, last) for first, last in pairwise(edges)]


@dataclass(frozen=True)
class _End(Generic[B]):
    """What a shard returned, after its last step."""

    result: B


class _Walk(Generic[A, B]):
    """A shard that a thread of the pool leads on for as long as somebody asks."""

    def __init__(self, shard: Generator[A, None, B], threads: int) -> None:
        self._shard, self._threads = shard, threads
        self._said: SimpleQueue[A | _End[B] | BaseException] = SimpleQueue()
        self._lock, self._asked = Lock(), False
        self._walking: Future[None] | None = None
        self._walker: int | None = None

    def ask(self) -> None:
        """Have steps made until told to hold."""
        with self._lock:
            self._asked = True
            if self._threads > 1 and self._walking is None:
                self._walking = block_threads(self._threads).submit(self._walk)

    def hold(self) -> None:
        """Have no further step made."""
        with self._lock:
            self._asked = False

    def rest(self) -> None:
        """Hold, and wait for the step under way."""
        self.hold()
        if self._walker == get_ident():
            return  # the collector found an abandoned stream in the midst of its own step
        walking = self._walking
        if walking is not None and not walking.cancel():
            wait([walking])

    def heard(self) -> A | _End[B]:
        """The next step, or the end.

        Raises:
            BaseException: whatever the shard raised.
        """
        if self._threads == 1:
            return self._step()
        said = self._said.get()
        if isinstance(said, BaseException):
            try:
                raise said
            finally:
                del said  # its traceback holds this frame, and the shard's tensors
        return said

    def _walk(self) -> None:
        """One step; the next one queues behind whoever else wants a thread of the pool."""
        self._walker = get_ident()
        try:
            said: A | _End[B] | BaseException = self._step()
        except BaseException as error:  # the reader's to hear, in its own thread
            said = error
        self._said.put(said)
        with self._lock:
            goes_on = self._asked and not isinstance(said, _End | BaseException)
            self._walking = block_threads(self._threads).submit(self._walk) if goes_on else None

    def _step(self) -> A | _End[B]:
        try:
            return next(self._shard)
        except StopIteration as end:
            return _End(end.value)
