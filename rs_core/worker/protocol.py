"""The protocol: one JSON object per line, each answered by one line, whatever it holds.

    {"id": 7, "verb": "follow", ...}   ->   {"id": 7, "ok": {...}}
                                       or   {"id": 7, "error": {"kind": "...", "message": "..."}}

A thread of its own answers requests, so that they never wait for a step of a computation; the
main thread gives the open runs their turns. What reads a stranger's image, or samples how fast
this machine is, is answered by a third thread, out of order.
"""

import json
import logging
from collections.abc import Callable
from functools import partial
from threading import Lock, Thread
from typing import Any, BinaryIO

from rs_core.errors import RsError
from rs_core.strict_json import parse_json
from rs_core.worker.desk.side import SideDesk
from rs_core.worker.scheduler import Scheduler

ASIDE = ("decode", "price_table")
MAX_LINE = 700_000_000  # a model file of 500 MB in base64, and room for the rest
_LOG = logging.getLogger(__name__)

Answer = Callable[[str, dict[str, Any]], dict[str, Any]]


def serve(source: BinaryIO, sink: BinaryIO, answer: Answer, bench: Scheduler) -> None:
    """Answer every line of `source` and advance the open runs, until `source` ends."""

    side = SideDesk()

    def read() -> None:
        try:
            answer_lines(source, sink, answer, side=side)
        except BrokenPipeError:
            _LOG.info("the reader of the replies left")
        finally:
            side.close()
            bench.stop()

    Thread(target=read, name="desk", daemon=True).start()
    bench.work()


def answer_lines(
    source: BinaryIO,
    sink: BinaryIO,
    answer: Answer,
    *,
    max_line: int = MAX_LINE,
    side: SideDesk | None = None,
) -> None:
    """Write one reply per line of `source`; a line without sense is answered with id null.

    Verbs of `ASIDE` are handed to `side`, where there is one, and answered when it comes to that.
    """
    writing = Lock()

    def write(reply: dict[str, Any]) -> None:
        with writing:
            sink.write(json.dumps(reply, allow_nan=False).encode() + b"\n")
            sink.flush()

    def write_later(request: dict[str, Any]) -> None:
        try:
            write(_answered(request, answer))
        except (OSError, ValueError):
            _LOG.info("the reader of the replies left")

    while line := source.readline(max_line + 1):
        if len(line) > max_line and not line.endswith(b"\n"):
            _skip_line(source)
            write(_refusal(None, "ProtocolError", f"a request is longer than {max_line} bytes."))
        elif line.strip():
            request = _request_in(line)
            if side is not None and request.get("verb") in ASIDE:
                side.hand(str(request.get("owner"))[:200], partial(write_later, request))
            else:
                write(_answered(request, answer))


def reply_to(line: bytes, answer: Answer) -> dict[str, Any]:
    """The reply to one line; it never raises."""
    return _answered(_request_in(line), answer)


def _request_in(line: bytes) -> dict[str, Any]:
    """A request; where the line holds none, the reply that says so."""
    try:
        request = parse_json(line)
    except (ValueError, RecursionError):
        return _refusal(None, "ProtocolError", "a request is not JSON, or names a key twice.")
    number = request.get("id") if isinstance(request, dict) else None
    if type(number) is not int or not isinstance(request.get("verb"), str):
        return _refusal(None, "ProtocolError", "a request needs a whole number id and a verb.")
    sound: dict[str, Any] = request
    return sound


def _answered(request: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """The reply to a request; a refusal stays what it is."""
    if (number := request["id"]) is None:
        return request
    try:
        return {"id": number, "ok": answer(request["verb"], request)}
    except RsError as error:
        return _refusal(number, type(error).__name__, str(error))
    except MemoryError:
        return _refusal(number, "MemoryError", "there is not enough memory for this: shrink it.")
    except Exception:
        _LOG.exception("a bug while answering %r", request["verb"][:40])
        return _refusal(
            number, "InternalError", "the compute process met a bug: rs.log holds the details."
        )


def _refusal(number: int | None, kind: str, message: str) -> dict[str, Any]:
    return {"id": number, "error": {"kind": kind, "message": message}}


def _skip_line(source: BinaryIO) -> None:
    while (rest := source.readline(1 << 20)) and not rest.endswith(b"\n"):
        continue
