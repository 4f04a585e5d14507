"""The client of the compute process: every page asks through one `Worker`."""

import contextlib
import logging
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from threading import Event, RLock
from typing import Any

from rs_core.store import read_description, rs_home
from rs_ui.client.process import Child, Restarts, WorkerError, opened

__all__ = ["Worker", "WorkerError"]

COMMAND = (sys.executable, "-m", "rs_core.worker")
# These read a stranger's file: if the process died of it, a second try would kill it again.
_ASKED_ONCE = ("decode", "upload_model")
_SMALLER = "the compute process ended while it read this file: give a smaller one."
_TWICE = "the compute process ended twice without an answer: rs.log may say why."
_LOG = logging.getLogger(__name__)


class _DiedError(Exception):
    """The process ended before it answered."""


class Worker:
    """The compute process, started when first needed and again whenever it dies.

    Any thread may call. Every verb may be asked twice without harm, so a call that a death
    interrupts is asked again, once; verbs that read uploads are not.

    Args:
        home: folder of the run store; RS_HOME by default.
        command: starts the process; `ssh host python -m rs_core.worker` for another machine.
        timeout: seconds that a call waits for its answer.
        nice: how far the priority of the process is lowered.
    """

    def __init__(
        self,
        *,
        home: Path | None = None,
        command: Sequence[str] = COMMAND,
        timeout: float = 30.0,
        nice: int = 10,
    ) -> None:
        self._home, self._command = home or rs_home(), tuple(command)
        self._timeout, self._nice = timeout, nice
        self._lock, self._closed = RLock(), Event()
        self._child: Child | None = None
        self._pending: dict[int, tuple[Child, Future[dict[str, Any]]]] = {}
        self._numbers = count(1)
        self._restarts = Restarts()
        self._last_answer = time.monotonic()

    @property
    def pid(self) -> int | None:
        """The process's id, None while there is none."""
        return None if (child := self._child) is None else child.pid

    def describe(self) -> dict[str, Any]:
        """Forms, networks, samples, devices: from disk while the process is still starting."""
        known = read_description(self._home)
        if known is None:
            return self.call("describe")
        self._alive()
        return known

    def call(self, verb: str, **fields: Any) -> dict[str, Any]:
        """The answer to one request.

        Raises:
            WorkerError: the request was refused, or the process did not answer.
        """
        for _ in range(1 if verb in _ASKED_ONCE else 2):
            with contextlib.suppress(_DiedError):
                return self._ask(verb, fields)
        raise WorkerError(_SMALLER if verb in _ASKED_ONCE else _TWICE)

    def close(self) -> None:
        """End the process. Runs that are under way go on when it is next started."""
        self._closed.set()
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.close(seconds=3.0)

    def _ask(self, verb: str, fields: dict[str, Any]) -> dict[str, Any]:
        child, number, answer = self._registered()
        child.send({**fields, "id": number, "verb": verb})
        try:
            return opened(answer.result(self._timeout))
        except TimeoutError:
            # Silent for so long although it was asked: it hangs, and would keep everybody waiting.
            if time.monotonic() - self._last_answer >= self._timeout:
                child.kill()
            raise WorkerError(f"no answer within {self._timeout:g} s: try again.") from None
        finally:
            self._pending.pop(number, None)

    def _registered(self) -> tuple[Child, int, "Future[dict[str, Any]]"]:
        """A ready process, and where the answer to the next request will arrive."""
        number, answer = next(self._numbers), Future[dict[str, Any]]()
        while True:
            child = self._alive()
            child.await_ready()
            with self._lock:
                if child is self._child:
                    self._pending[number] = child, answer
                    return child, number, answer

    def _alive(self) -> Child:
        """The process, started if there is none; after repeated deaths a little later each time."""
        with self._lock:
            if self._child is not None:
                return self._child
            if self._closed.wait(self._restarts.delay()):
                raise WorkerError("the app is shutting down.")
            self._child = Child(
                self._command, self._home, nice=self._nice,
                answered=self._take, ended=self._mourn,
            )  # fmt: skip
            self._child.send({"id": 0, "verb": "ping"})
            return self._child

    def _take(self, reply: dict[str, Any]) -> None:
        self._last_answer = time.monotonic()
        _, answer = self._pending.pop(reply.get("id") or 0, (None, None))
        if answer is not None:
            answer.set_result(reply)

    def _mourn(self, child: Child) -> None:
        """A process ended: tell those who wait, and start the next one for the open runs."""
        with self._lock:
            self._child = None if self._child is child else self._child
            orphans = [answer for asked, answer in list(self._pending.values()) if asked is child]
            self._restarts.count_death()
        for answer in orphans:
            answer.set_exception(_DiedError())
        if not self._closed.is_set():
            _LOG.warning("the compute process ended; it is started again")
            with contextlib.suppress(WorkerError):
                self._alive()
