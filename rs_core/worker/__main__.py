"""The compute process's entry: requests on stdin, replies on stdout, everything else to the log."""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch

from rs_core import __version__
from rs_core.allocator import keep_freed_memory
from rs_core.errors import RsError
from rs_core.store import RunStore, log_to_file, read_description, rs_home, write_description
from rs_core.worker.bench import Bench
from rs_core.worker.describe import describe
from rs_core.worker.loop import answer_lines, serve
from rs_core.worker.verbs import Desk

_LOG = logging.getLogger("rs_core.worker")


def main() -> int:
    """Serve until stdin ends; the exit code."""
    replies = _claim_stdout()
    # Ctrl-C reaches the whole terminal; the end of stdin is what ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    keep_freed_memory()
    try:
        log_to_file(rs_home())
        _LOG.info("rs-lab %s, torch %s", __version__, torch.__version__)
        store = RunStore()
        bench = Bench(store)
        desk = Desk(store, bench)
        desk.opener.adopt_all()
    except RsError as error:
        _refuse_all(replies, error)
        return 1
    _leave_description(store.home)
    serve(sys.stdin.buffer, replies, desk, bench)
    return 0


def _claim_stdout() -> BinaryIO:
    """The pipe for replies; from now on whatever prints to stdout reaches stderr instead."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return replies


def _refuse_all(replies: BinaryIO, error: RsError) -> None:
    """Answer every request with the reason why nothing can be done here."""

    def refuse(verb: str, request: Mapping[str, Any]) -> dict[str, Any]:
        raise error

    answer_lines(sys.stdin.buffer, replies, refuse)


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
