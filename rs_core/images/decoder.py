"""Files of strangers are decoded in a process of their own, which can be ended."""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Lock, Timer
from typing import IO, Any

import numpy as np

from rs_core.errors import ImageError
from rs_core.images.decoding import MAX_BYTES, Decoded

DECODE_SECONDS = 2.0
DECODE_MEGABYTES = 300
_PATIENCE = 20.0  # on the clock, for a machine that is busy with something else
_START_SECONDS = 120.0
_PACKAGES = Path(__file__).resolve().parents[2]


class Decoder:
    """`decode_bytes` in a process that is kept for the next file, and replaced when it dies.

    Any thread may call; one file is decoded at a time. The process ends with this one.

    Args:
        seconds: of computing that a file may take.
        megabytes: that decoding a file may take.
        patience: seconds that a file may take on the clock.
    """

    def __init__(
        self,
        *,
        seconds: float = DECODE_SECONDS,
        megabytes: int = DECODE_MEGABYTES,
        patience: float = _PATIENCE,
    ) -> None:
        self._seconds, self._megabytes, self._patience = seconds, megabytes, patience
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, data: bytes, name: str) -> Decoded:
        """What `decode_bytes` gives.

        Raises:
            ImageError: what `decode_bytes` raises, or the file takes too long or too much memory.
        """
        if len(data) > MAX_BYTES:  # refused there too, but need not be sent
            data = data[: MAX_BYTES + 1]
        with self._lock:
            try:
                process = self._alive()
                with _ended_after(process, self._patience):
                    reply, pixels = _exchange(process, data, name)
            except (OSError, EOFError, ValueError):
                raise ImageError(self._obituary(name, self._bury())) from None
        if "error" in reply:
            raise ImageError(reply["error"])
        if "bug" in reply:
            raise RuntimeError(reply["bug"])
        array = np.frombuffer(pixels, reply["dtype"]).reshape(reply["shape"])
        return Decoded(array, tuple(reply["notes"]))

    def close(self) -> None:
        """End the process; the next file starts another."""
        with self._lock:
            if self._process is not None:
                self._bury()

    def _alive(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self._bury()
        if self._process is None:
            self._process = _start(self._seconds, self._megabytes)
            with _ended_after(self._process, _START_SECONDS):
                _whole(self._process.stdout)
        return self._process

    def _bury(self) -> int:
        """The exit status of the process, which is ended."""
        process, self._process = self._process, None
        if process is None:  # it could not be started
            return 0
        with process:  # closes its pipes and waits
            if process.stdin is not None:
                with contextlib.suppress(OSError):
                    process.stdin.close()
            try:
                return process.wait(timeout=1.0)
            except subprocess.TimeoutExpired:
                process.kill()
                return process.wait()

    def _obituary(self, name: str, status: int) -> str:
        if status == -getattr(signal, "SIGPROF", 0):
            return (
                f"{name} takes more than {self._seconds:g} s to decode, the limit: make it "
                "smaller, or save it as PNG with 8 bits per channel and without interlacing."
            )
        if status == -getattr(signal, "SIGKILL", 0):
            return (
                f"{name} was not decoded within {self._patience:g} s, or there was too little "
                "memory: make it smaller, or try again when the machine is less busy."
            )
        return f"{name} ended the process that decoded it: save the image again as PNG."


@cache
def shared_decoder() -> Decoder:
    """The one of this process, whose child ends with it."""
    decoder = Decoder()
    atexit.register(decoder.close)
    return decoder


def _start(seconds: float, megabytes: int) -> subprocess.Popen[bytes]:
    paths = (str(_PACKAGES), os.environ.get("PYTHONPATH", ""))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "OPENBLAS_NUM_THREADS": "1",  # each thread would reserve memory of its own
    }
    return subprocess.Popen(
        (sys.executable, "-m", "rs_core.images.child", f"{seconds:g}", str(megabytes)),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        # Libraries below Pillow print what is wrong with a file.
        stderr=subprocess.DEVNULL, env=environment,
    )  # fmt: skip


def _exchange(
    process: subprocess.Popen[bytes], data: bytes, name: str
) -> tuple[dict[str, Any], bytes]:
    """A reply and its pixels.

    Raises:
        OSError, EOFError, ValueError: the process ended.
    """
    assert process.stdin is not None
    request = json.dumps({"name": name, "size": len(data)}).encode()
    process.stdin.write(request + b"\n" + data)
    process.stdin.flush()
    reply: dict[str, Any] = json.loads(_whole(process.stdout))
    return reply, _read(process.stdout, reply.get("size", 0))


def _whole(source: IO[bytes] | None) -> bytes:
    line = b"" if source is None else source.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return line


def _read(source: IO[bytes] | None, size: int) -> bytes:
    data = b"" if source is None else source.read(size)
    if len(data) < size:
        raise EOFError
    return data


@contextlib.contextmanager
def _ended_after(process: subprocess.Popen[bytes], seconds: float) -> Iterator[None]:
    """Kills the process if the block takes longer."""
    watch = Timer(seconds, process.kill)
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
