"""Ctrl-C between two steps, for runs that keep their last step when they are closed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from rs_core.events import Finished, Step, Stream

R = TypeVar("R")


def interruptible(stream: Stream[R]) -> Iterator[Step | Finished[R]]:
    """The stream, which a first Ctrl-C ends after the step under way, and a second at once.

    Raises:
        KeyboardInterrupt: it was ended; the stream is closed by then.
    """
    try:
        with _asked() as asked:
            for event in stream:
                yield event
                if asked and not isinstance(event, Finished):
                    raise KeyboardInterrupt
    finally:
        if close := getattr(stream, "close", None):
            close()


@contextmanager
def _asked() -> Iterator[list[bool]]:
    """A list that is no longer empty once Ctrl-C was pressed."""
    asked: list[bool] = []

    def note(signum: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(True)

    before = signal.getsignal(signal.SIGINT)
    # Only the main thread may set handlers; who ignores Ctrl-C, in the background, goes on to.
    alone = threading.current_thread() is threading.main_thread()
    if not alone or before in (signal.SIG_IGN, None):
        yield asked
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
