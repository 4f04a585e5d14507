"""Searches side by side: each core takes some images through every step on its own.

Within a lane a step's passes, record and move run in one thread of the pool that also draws votes:
no barrier in any layer or between two steps, and activations stay in cache.
"""

from collections.abc import Callable, Generator, Sequence
from itertools import pairwise
from typing import TypeVar

from rs_core.attacks.scene import Found
from rs_core.smoothing.threads import block_threads

A = TypeVar("A")
B = TypeVar("B")
Search = Generator[int, None, Found]


def lane_map(threads: int, run: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """Each item's answer, in order, by threads that compute alone; with 1 by the caller's own."""
    if threads == 1:
        return [run(item) for item in items]
    return list(block_threads(threads).map(run, items))


def abreast(threads: int, searches: Sequence[Search]) -> Generator[int, None, list[Found]]:
    """Takes every search one step at a time; yields the passes of a step, which are the same."""
    while True:
        steps = lane_map(threads, _advance, searches)
        found = [step for step in steps if isinstance(step, Found)]
        if found:
            assert len(found) == len(searches), "searches of equal cost end together"
            return found
        yield next(step for step in steps if isinstance(step, int))


def shares(count: int, lanes: int) -> list[range]:
    """`count` images in as many runs as there are lanes, of nearly equal length."""
    edges = [count * lane // lanes for lane in range(lanes + 1)]
    return [range(first, last) for first, last in pairwise(edges)]


def _advance(search: Search) -> int | Found:
    try:
        return next(search)
    except StopIteration as ended:
        found: Found = ended.value
        return found
