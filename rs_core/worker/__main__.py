"""The compute process's entry: requests on stdin, replies on stdout, everything else to the log."""

import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO

import torch

from rs_core import __version__
from rs_core.allocator import keep_freed_memory
from rs_core.errors import RsError, StoreError
from rs_core.store import (
    RunStore,
    Tenancy,
    log_to_file,
    read_description,
    rs_home,
    write_description,
)
from rs_core.worker.desk.describe import describe
from rs_core.worker.desk.verbs import Api
from rs_core.worker.life import Life
from rs_core.worker.protocol import answer_lines, serve
from rs_core.worker.scheduler import Scheduler

GRACE_SECONDS = 10.0  # for the step under way, when the process is told to end or left alone
_PATIENCE_SECONDS = GRACE_SECONDS + 2.0  # a process that was left alone may still be ending
_LOG = logging.getLogger("rs_core.worker")


def main() -> int:
    """Serve until stdin ends or the parent process does; the exit code."""
    os.umask(0o077)  # images, networks and names of a person, whoever writes them here
    parent = os.getppid()
    replies = _claim_stdout()
    # Ctrl-C reaches the whole terminal; the end of stdin is what ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_freed_memory()
    while isinstance(tenancy := _moved_in(), RsError):
        if not _refuse_one(replies, tenancy):
            return 1
    life = Life(tenancy)
    while isinstance(store := _open(), RsError):
        if not _refuse_one(replies, store):
            return 1
    bench = Scheduler(store, life=life)
    Thread(target=_end_with, args=(parent, bench), name="parent", daemon=True).start()
    desk = Api(store, bench)
    _adopt(desk)
    _leave_description(store.home)
    serve(sys.stdin.buffer, replies, desk, bench)
    return 0


def _moved_in() -> Tenancy | RsError:
    """This process's place in its home, or who has it."""
    home, until = rs_home(), time.monotonic() + _PATIENCE_SECONDS
    try:
        while not isinstance(tenancy := Tenancy.take(home, "worker"), Tenancy):
            if time.monotonic() > until:
                return StoreError(
                    f"another compute process ({tenancy.get('pid', 'unknown')}) works in {home}: "
                    "end the app that it belongs to, or let RS_HOME name another folder."
                )
            time.sleep(0.2)
    except StoreError as error:
        return error
    return tenancy


def _end_with(parent: int, bench: Scheduler) -> None:
    """End this process some seconds after it was told to, or after its parent's death.

    The end of stdin says so too, but not while another process holds the pipe, nor while a request
    is answered or a step does not end.
    """
    while os.getppid() == parent and not bench.stopped:
        time.sleep(1.0)
        bench.life.look_around()
    bench.stop()
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def _open() -> RunStore | RsError:
    """The run store, or why it cannot be used now."""
    try:
        store = RunStore()
        log_to_file(store.home)
    except RsError as error:
        return error
    _LOG.info("rs-lab %s, torch %s", __version__, torch.__version__)
    if store.is_seen:
        _LOG.warning(
            "other users of this machine can look into %s itself, not into what RS Lab keeps "
            "there; chmod 700 closes it.", store.home,
        )  # fmt: skip
    return store


def _adopt(desk: Api) -> None:
    """Let the open runs go on; those that cannot now do so when somebody follows them."""
    try:
        desk.opener.adopt_all()
    except StoreError:
        _LOG.exception("not every open run could be taken over")


def _claim_stdout() -> BinaryIO:
    """The pipe for replies; from now on whatever prints to stdout reaches stderr instead."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return replies


def _refuse_one(replies: BinaryIO, error: RsError) -> bool:
    """Answer one request with the reason why nothing can be done; False when there is none.

    One only: the program that locked the store may have been closed before the next.
    """

    def refuse(verb: str, request: Mapping[str, Any]) -> dict[str, Any]:
        raise error

    line = sys.stdin.buffer.readline()
    answer_lines(BytesIO(line), replies, refuse)
    return bool(line)


def _leave_description(home: Path) -> None:
    """Keep the description on disk, where a page finds it before the next worker is up."""
    try:
        described = describe()
        if read_description(home) != described:
            write_description(described, home)
    except RsError:
        _LOG.exception("the description could not be kept")


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    # Everything is on disk already, and taking torch down would need a second or two.
    os._exit(code)
