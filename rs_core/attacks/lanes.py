"""Searches side by side: each core takes some images through every step on its own.

Within a lane a step's passes, record and move run in one thread of the pool that also draws votes:
no barrier in any layer, and activations stay in cache.
"""

import os
import time
from collections.abc import Callable, Generator, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from threading import Lock
from typing import TypeVar

from rs_core.smoothing.threads import block_threads

A = TypeVar("A")
B = TypeVar("B")
# Seconds that lanes go on without meeting: a cancelled run may take that long to stop.
APART = 0.1


@lru_cache(maxsize=1)
def turn() -> Lock:
    """Held for a lane's small operations.

    Those of two lanes at once would hand the interpreter to and fro after each of them; so one
    lane makes all of its own, and from then on their passes are out of step.
    """
    return Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=turn.cache_clear)  # a thread of the parent may hold it


def lane_map(threads: int, run: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """Each item's answer, in order, by threads that compute alone; with 1 by the caller's own."""
    if threads == 1:
        return [run(item) for item in items]
    return list(block_threads(threads).map(run, items))


def abreast(
    threads: int, lanes: Sequence[Generator[A, None, B]], apart: float = APART
) -> Generator[list[A], None, list[B]]:
    """Yields what the lanes' steps say, step by step; returns what all of them return.

    Lanes meet every few steps only, as many as fit into `apart` seconds by the time of those
    before. Nothing computes while the reader holds a step.
    """
    steps = 1
    while True:
        begun = time.perf_counter()
        walked = lane_map(threads, partial(_walk, steps), lanes)
        each = (time.perf_counter() - begun) / steps
        for number in range(min(len(said) for said, _ in walked)):
            yield [said[number] for said, _ in walked]
        if any(ended for _, ended in walked):
            assert all(ended for _, ended in walked), "searches of equal cost end together"
            return [found for _, ended in walked for found in ended]
        steps = max(min(int(apart / each), 2 * steps), 1)


def shares(count: int, lanes: int) -> list[range]:
    """`count` images in as many runs as there are lanes, of nearly equal length."""
    edges = [count * lane // lanes for lane in range(lanes + 1)]
    return [range(first, last) for first, last in pairwise(edges)]


def _walk(steps: int, lane: Generator[A, None, B]) -> tuple[list[A], list[B]]:
    """What at most so many steps say, and what the lane returned if it ended with them."""
    said: list[A] = []
    for _ in range(steps):
        try:
            said.append(next(lane))
        except StopIteration as end:
            return said, [end.value]
    return said, []
