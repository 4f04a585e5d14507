"""Loading a network and computing with one must not happen at the same time.

torch.fx, which folds batch norm into the convolutions, replaces the call of every module in the
process while it traces one; a forward pass in another thread would be traced as well.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Gate:
    """Lets one side through at a time; whoever loads goes before the next step."""

    def __init__(self) -> None:
        self._turnstile, self._inside = Lock(), Lock()

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Held while a network is loaded: at most one step later."""
        with self._turnstile, self._inside:
            yield

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Held for one step of a computation."""
        with self._turnstile:
            pass
        with self._inside:
            yield
