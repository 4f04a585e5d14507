"""Who traces a network is alone: torch.fx changes how all of them are called meanwhile.

A network that another thread runs would fail in the middle ("module is not installed as a
submodule"). So tracing waits until nobody runs one, and who wants to run one waits for the tracing.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from threading import Lock


class _Road:
    """Who is on it: how many that run networks, and the one thread that traces or is about to."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.running = 0
        self.tracer: int | None = None
        self.own = threading.local()

    @property
    def depth(self) -> int:
        """Networks that this thread is inside of."""
        return getattr(self.own, "depth", 0)


@lru_cache(maxsize=1)
def _road() -> _Road:
    return _Road()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_road.cache_clear)  # the child has none of the threads


@contextmanager
def running() -> Iterator[None]:
    """A network may be run here, beside those of other threads; waits while another one traces."""
    road, me = _road(), threading.get_ident()
    with road.changed:
        # Who is inside a network already must go on: it is what a tracer waits for.
        road.changed.wait_for(lambda: road.depth > 0 or road.tracer in (None, me))
        road.running += 1
    road.own.depth = road.depth + 1
    try:
        yield
    finally:
        road.own.depth -= 1
        with road.changed:
            road.running -= 1
            if road.tracer is not None:
                road.changed.notify_all()


@contextmanager
def tracing() -> Iterator[None]:
    """A network may be traced here; waits until no other thread runs or traces one."""
    road, me = _road(), threading.get_ident()
    with road.changed:
        road.changed.wait_for(lambda: road.tracer in (None, me))
        outer, road.tracer = road.tracer, me
    try:
        with road.changed:
            road.changed.wait_for(lambda: road.running == road.depth)
        yield
    finally:
        with road.changed:
            road.tracer = outer
            road.changed.notify_all()


class ModelLock:
    """Lets one side through at a time; whoever loads goes before the next step.

    Args:
        waiting: held by whoever loads, while they wait.
    """

    def __init__(self, waiting: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._turnstile, self._inside = Lock(), Lock()
        self._waiting = waiting

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Held while a network is loaded: at most one step later."""
        with self._turnstile:
            with self._waiting():
                self._inside.acquire()
            try:
                yield
            finally:
                self._inside.release()

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Held for one step of a computation."""
        with self._turnstile:
            pass
        with self._inside:
            yield
