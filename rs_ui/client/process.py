"""One life of the compute process: lines in, lines out, and the moment it ends."""

import contextlib
import json
import logging
import os
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from rs_core.errors import RsError, StoreError
from rs_core.store import LOG_NAME, private_folder, private_opener

START_SECONDS = 120.0  # importing torch on a cold and busy machine
_LOG = logging.getLogger(__name__)


class Child:
    """A started process. Writing and reading have threads of their own, so nobody waits.

    Args:
        command: what to run.
        home: folder of the run store; its rs.log takes what the process prints to stderr.
        nice: how far its priority is lowered.
        answered: called with every reply, in the reading thread.
        ended: called once when its stdout ends, in the reading thread.
    """

    def __init__(
        self,
        command: Sequence[str],
        home: Path,
        *,
        nice: int,
        answered: Callable[[dict[str, Any]], None],
        ended: Callable[["Child"], None],
    ) -> None:
        self._process = _popen(command, home)
        _lower_priority(self._process.pid, nice)
        self._ready = Event()
        self._answered, self._ended = answered, ended
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        for name, action in (("worker-out", self._read), ("worker-in", self._write)):
            Thread(target=action, name=name, daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def await_ready(self) -> None:
        """Returns when the process has answered for the first time, or died.

        Raises:
            WorkerError: it has not started after a long time.
        """
        if not self._ready.wait(START_SECONDS):
            raise WorkerError(f"the compute process did not start within {START_SECONDS:g} s.")

    def send(self, request: Mapping[str, Any]) -> None:
        """Hand a request over for writing."""
        self._lines.put(json.dumps(request).encode() + b"\n")

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()

    def close(self, seconds: float) -> None:
        """Let the process end by itself, or end it after so many seconds."""
        self._lines.put(None)
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _write(self) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        # A dead process breaks the pipe; the reading thread notices its end.
        with contextlib.suppress(OSError), stdin:
            while (line := self._lines.get()) is not None:
                stdin.write(line)
                stdin.flush()

    def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        with stdout:
            for line in stdout:
                reply = _reply_in(line)
                if reply is None:
                    _LOG.warning("the compute process wrote something else than a reply")
                    continue
                self._ready.set()
                self._answered(reply)
        self._lines.put(None)
        self._process.wait()
        self._ready.set()
        self._ended(self)


def _reply_in(line: bytes) -> dict[str, Any] | None:
    try:
        reply = json.loads(line)
    except ValueError:
        return None
    return reply if isinstance(reply, dict) and reply.keys() & {"ok", "error"} else None


def _popen(command: Sequence[str], home: Path) -> subprocess.Popen[bytes]:
    # The engine lies beside this package, in a checkout and where it is installed.
    paths = (str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", ""))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    try:
        with open(private_folder(home) / LOG_NAME, "ab", opener=private_opener) as errors:
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                env={**environment, "RS_HOME": str(home)},
            )  # fmt: skip
    except OSError as error:
        raise WorkerError(
            f"the compute process cannot be started ({error.strerror or error}): free some "
            "space, or let RS_HOME name a folder that can be written."
        ) from error
    except StoreError as error:
        raise WorkerError(f"the compute process cannot be started: {error}") from error


def _lower_priority(pid: int, nice: int) -> None:
    """Pages stay quick beside a computation; set from here, before it starts threads."""
    if nice and hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            mine = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, pid, mine + nice)


class WorkerError(RsError):
    """The compute process refused or failed; the message is one sentence for the page.

    `kind` is the name of the engine's error ("ImageError", "ParameterError", ...), or
    "WorkerError" where the process itself did not answer.
    """

    def __init__(self, message: str, kind: str = "WorkerError") -> None:
        super().__init__(message)
        self.kind = kind


def opened(reply: dict[str, Any]) -> dict[str, Any]:
    """The answer in a reply.

    Raises:
        WorkerError: the reply holds an error instead.
    """
    if "error" in reply:
        raise WorkerError(reply["error"]["message"], reply["error"]["kind"])
    answer: dict[str, Any] = reply["ok"]
    return answer


MAX_DEATHS = 5
_MINUTE = 60.0


class Restarts:
    """Counts deaths: the first is forgiven at once, each further one within a minute waits.

    `WAIT` is the unit of those waits in seconds.
    """

    WAIT = 0.25

    def __init__(self) -> None:
        self._deaths: deque[float] = deque(maxlen=MAX_DEATHS)

    def count_death(self) -> None:
        """The process died just now."""
        self._deaths.append(time.monotonic())

    def delay(self) -> float:
        """Seconds to wait before the next start.

        Raises:
            WorkerError: it died too often within a minute.
        """
        recent = sum(time.monotonic() - death < _MINUTE for death in self._deaths)
        if recent >= MAX_DEATHS:
            raise WorkerError(
                f"the compute process ended {MAX_DEATHS} times within a minute: wait a minute, "
                "and look into rs.log if it happens again."
            )
        return 0.0 if recent < 2 else self.WAIT * 2.0**recent
