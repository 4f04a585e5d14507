"""What a terminal, a pipe or a full disk can take, whatever its encoding."""

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO, cast

from rs_core.errors import DataError

_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
_PLAIN = {
    "\u00b7": "-",
    "\u2264": "<=",
    "\u03c3": "sigma",
    "\u03bb": "lambda",
    "\u2113": "l",
    "\u2192": "->",
}


_TYPED: ContextVar[tuple[str, tuple[str, ...]]] = ContextVar("typed", default=("", ()))


def remember(name: str, arguments: Sequence[str]) -> None:
    """Keep the name of the command, and the words typed after it."""
    _TYPED.set((name, tuple(arguments)))


def words() -> tuple[str, tuple[str, ...]]:
    """The name of the command that runs, and the words typed after it."""
    return _TYPED.get()


def readable_anywhere() -> None:
    """Let stdout and stderr take every character, spelt in ASCII where the encoding lacks it."""
    codecs.register_error("rs-plain", _spelt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="rs-plain")


class Outliving:
    """A stream that goes on where nobody takes any more what is printed on it.

    From its first `refusal` on what is printed goes nowhere; other errors are raised.
    """

    def __init__(self, stream: TextIO, refusal: type[OSError]) -> None:
        self._stream = stream
        self._refusal = refusal

    def write(self, text: str) -> int:
        """Print; the number of characters taken."""
        try:
            return self._stream.write(text)
        except self._refusal:
            _drop(self._stream)
            return len(text)

    def flush(self) -> None:
        """Send off what was printed so far."""
        try:
            self._stream.flush()
        except self._refusal:
            _drop(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def hold_streams() -> None:
    """Let nothing that is opened later take the place of a stream that the caller closed.

    A table would otherwise get what is meant for stderr, and stderr's absence end the command.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


@contextmanager
def heard_or_not() -> Iterator[None]:
    """A context in which nothing fails because stderr is full or closed."""
    with redirect_stderr(cast(TextIO, Outliving(sys.stderr, OSError))):
        yield


@contextmanager
def outliving_reader() -> Iterator[None]:
    """A context in which the end of stdout's reader (`| head`) ends nothing."""
    if sys.stdout is None:
        yield
        return
    with redirect_stdout(cast(TextIO, Outliving(sys.stdout, BrokenPipeError))):
        yield


def complain(command: str, sentence: str) -> None:
    """Print one line on stderr; control characters of a stranger's file do not reach it."""
    from rs_core.plots.text import tidy

    print(f"rs {tidy(command)}: {tidy(sentence)}", file=sys.stderr)


def remark(sentence: str) -> None:
    """Print one line on stderr that is no complaint, under the running command's name."""
    complain(words()[0], sentence)


def shown(path: Path) -> str:
    """A path for a sentence."""
    from rs_core.plots.text import tidy

    return tidy(str(path))


@contextmanager
def told(path: Path) -> Iterator[None]:
    """A context in which the system's refusal to write a file becomes one sentence.

    Raises:
        DataError: names the file, the reason, and what to do.
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{shown(path)} cannot be written ({error.strerror}): make room, or name a file in "
            "a folder that may be written to."
        ) from None


def flush() -> None:
    """Send off what was printed so far.

    Raises:
        OSError: the terminal, pipe or file behind stdout does not take it.
    """
    if sys.stdout is not None:  # it is None where the caller closed it
        sys.stdout.flush()


def is_of_stdout(error: OSError) -> bool:
    """Whether an error is stdout's: a refusal to write, of no file that this program named."""
    return error.filename is None and error.errno in _REFUSALS


def drop_unprinted() -> None:
    """Drop what stdout does not take, because the exit would try to write it once more."""
    try:
        flush()
    except OSError:
        _drop(sys.stdout)


def _drop(stream: TextIO) -> None:
    """Let what is printed on a stream, and what waits in it, go nowhere."""
    handle = os.open(os.devnull, os.O_WRONLY)
    os.dup2(handle, stream.fileno())
    os.close(handle)


def _spelt(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    plain = "".join(_PLAIN.get(c, c.encode("ascii", "backslashreplace").decode()) for c in lost)
    return plain, error.end
