"""Ctrl-C, SIGTERM and a closed terminal: all end a run alike, and keep what is finished."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from rs_core.events import Finished, Step, Stream

R = TypeVar("R")
Handler = Callable[[int, FrameType | None], None]

_ENDINGS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
_WORDS = {"SIGTERM": "terminated", "SIGHUP": "the terminal was closed"}
_received: list[int] = []


def was_ended() -> bool:
    """Whether a signal asked the command under way to end."""
    return bool(_received)


def ending() -> tuple[str, int]:
    """In a word what ended the command, and its exit code by the shell's convention."""
    number = _received[-1] if _received else int(signal.SIGINT)
    return _WORDS.get(signal.Signals(number).name, "interrupted"), 128 + number


@contextmanager
def ending_alike() -> Iterator[None]:
    """A context in which every signal that ends a command raises KeyboardInterrupt."""

    def end(signum: int, frame: FrameType | None) -> None:
        _received.append(signum)
        raise KeyboardInterrupt

    _received.clear()
    with _handled(end):
        yield


@contextmanager
def leaving_at_once(name: str) -> Iterator[None]:
    """A context in which such a signal ends the process with one line: nothing is to be kept yet.

    An exception would not do: what is raised within an import comes out as another one, or never.
    """

    def leave(signum: int, frame: FrameType | None) -> None:
        _received.append(signum)
        word, code = ending()
        os.write(2, f"rs {name}: {word}\n".encode())
        os._exit(code)

    with _handled(leave):
        yield


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
def _asked() -> Iterator[list[int]]:
    """A list that is no longer empty once a signal asked to end."""
    asked: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        _received.append(signum)
        if asked:
            raise KeyboardInterrupt
        asked.append(signum)

    with _handled(note):
        yield asked


@contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    """A context with this handler of every such signal, but of those that are ignored.

    Who ignores Ctrl-C in the background, or a closed terminal (nohup), goes on to.
    """
    before = {number: signal.getsignal(number) for number in _ENDINGS}
    if threading.current_thread() is not threading.main_thread():
        before = {}  # only the main thread may set handlers
    before = {k: v for k, v in before.items() if v not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
