"""The folder that holds a person's data, and how it is written to."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from rs_core.errors import StoreError


def rs_home() -> Path:
    """The folder of runs, images and logs: RS_HOME, or the platform's user data folder."""
    named = os.environ.get("RS_HOME")
    if named:
        return Path(named).expanduser().absolute()
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "rs-lab"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "rs-lab"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "rs-lab"


def owner_id(owner: str) -> str:
    """What an owner's key is called on disk: 32 hex digits that do not give the key away."""
    return blake2b(owner.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def private_folder(path: Path) -> Path:
    """The folder, made if need be, readable by its user alone.

    Raises:
        StoreError: it cannot be made.
    """
    with reported():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextmanager
def reported() -> Iterator[None]:
    """Turns a failing disk into a `StoreError`."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the run store cannot be written ({error.strerror or error}): free some space, or "
            "let RS_HOME name a folder that can be written."
        ) from error


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; files that vanish meanwhile count nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(parent, name)).st_size
            except FileNotFoundError:
                continue
    return total
