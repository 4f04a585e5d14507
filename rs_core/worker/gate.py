"""Loading a network and computing with one must not happen at the same time.

torch.fx, which folds batch norm into the convolutions, replaces the call of every module in the
process while it traces one; a forward pass in another thread would be traced as well.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock


class Gate:
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
