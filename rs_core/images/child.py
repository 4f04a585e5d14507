"""The process that decodes a stranger's files: within seconds and megabytes, or it ends.

It writes an empty line when it is ready. A request is a line of JSON and the file's bytes; its
reply a line of JSON and the pixels' bytes.
"""

import contextlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from rs_core.errors import ImageError
from rs_core.images.decoding import decode_bytes


def main() -> None:
    """Decode until stdin ends."""
    seconds, megabytes = float(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    with os.fdopen(os.dup(1), "wb") as replies:
        os.dup2(2, 1)
        _limit_memory(megabytes << 20)
        replies.write(b"\n")
        replies.flush()
        while line := sys.stdin.buffer.readline():
            _limit_seconds(seconds)
            _answer(json.loads(line), sys.stdin.buffer, replies)
            _limit_seconds(0.0)


def _answer(request: dict[str, Any], source: BinaryIO, replies: BinaryIO) -> None:
    pixels = b""
    try:
        decoded = decode_bytes(source.read(request["size"]), request["name"])
    except ImageError as error:
        reply: dict[str, Any] = {"error": str(error)}
    except Exception:
        reply = {"bug": traceback.format_exc()}
    else:
        pixels = decoded.pixels.tobytes()
        reply = {
            "notes": decoded.notes, "shape": decoded.pixels.shape,
            "dtype": str(decoded.pixels.dtype), "size": len(pixels),
        }  # fmt: skip
    replies.write(json.dumps(reply).encode() + b"\n" + pixels)
    replies.flush()


def _limit_seconds(seconds: float) -> None:
    """End this process after so many seconds of computing; never, for 0."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory(more: int) -> None:
    """So many bytes beyond what is in use now; only Linux says how much that is."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # not on Windows

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + more
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main()
