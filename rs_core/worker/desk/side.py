"""A second desk for what takes a while, so that nobody else's answer waits for it."""

from collections import OrderedDict, deque
from collections.abc import Callable
from threading import Condition, Thread


class SideDesk:
    """A thread that does what it is handed, one thing after another; owners take turns."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[Callable[[], None]]] = OrderedDict()
        self._changed = Condition()
        self._closed = False
        self._thread = Thread(target=self._work, name="side desk", daemon=True)

    def hand(self, owner: str, work: Callable[[], None]) -> None:
        """Have something done for an owner; it must not raise."""
        with self._changed:
            if self._thread.ident is None:
                self._thread.start()
            self._waiting.setdefault(owner, deque()).append(work)
            self._changed.notify()

    def close(self) -> None:
        """Do no more than what is being done."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _work(self) -> None:
        while (work := self._next()) is not None:
            work()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            owner, works = self._waiting.popitem(last=False)
            work = works.popleft()
            if works:
                self._waiting[owner] = works  # behind the others
            return work
