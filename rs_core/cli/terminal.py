"""What a terminal, a pipe or a full disk can take, whatever its encoding."""

import codecs
import errno
import io
import os
import sys

_REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
_PLAIN = {
    "\u00b7": "-",
    "\u2264": "<=",
    "\u03c3": "sigma",
    "\u03bb": "lambda",
    "\u2113": "l",
    "\u2192": "->",
}


def readable_anywhere() -> None:
    """Let stdout and stderr take every character, spelt in ASCII where the encoding lacks it."""
    codecs.register_error("rs-plain", _spelt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="rs-plain")


def complain(command: str, sentence: str) -> None:
    """Print one line on stderr; control characters of a stranger's file do not reach it."""
    from rs_core.plots.wording import tidy

    print(f"rs {tidy(command)}: {tidy(sentence)}", file=sys.stderr)


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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _spelt(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    plain = "".join(_PLAIN.get(c, c.encode("ascii", "backslashreplace").decode()) for c in lost)
    return plain, error.end
