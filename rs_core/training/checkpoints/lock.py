"""One training at a time in a folder of checkpoints."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rs_core.durable import lock_alone
from rs_core.errors import CheckpointError


@contextmanager
def held_alone(folder: Path | None) -> Iterator[None]:
    """A context in which no other process trains with this checkpoint folder.

    The lock is the operating system's, so it ends with the process.

    Raises:
        CheckpointError: another training holds it, or the folder cannot be made.
    """
    if folder is None:
        yield
        return
    handle = _opened(folder)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _opened(folder: Path) -> int | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if sys.platform == "win32":  # Windows cannot open a folder
            return None
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise CheckpointError(
            f"{folder} cannot be a folder of checkpoints ({error.strerror}): give another --name "
            "or --out."
        ) from None
    if not lock_alone(handle):
        os.close(handle)
        raise CheckpointError(
            f"another training writes to {folder} at this moment: wait for it, or give another "
            "--name or --out."
        )
    return handle
