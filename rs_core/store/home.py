"""The folder that holds a person's data, and how it is written to."""

import logging
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from rs_core.errors import StoreError

_OWN_FILES = ("index.sqlite*", "rs.log*", "calendar.json", "worker.lock", "server.lock")
_OWN_FOLDERS = ("runs", "owners", "cache")
_LOG = logging.getLogger(__name__)


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
    """The folder, made if need be; what is made, folders above it too, is its user's alone.

    Raises:
        StoreError: it cannot be made.
    """
    with reported():
        if not path.is_dir():
            if path.parent != path:
                private_folder(path.parent)
            path.mkdir(mode=0o700, exist_ok=True)
    return path


def tighten(home: Path) -> bool:
    """Make private what lies in the folder of the run store and is ours, however it came there.

    The folder itself is left as it is: it may be a person's own, kept for other things too.

    Returns:
        Whether other users of this machine can look into the folder itself, and so see that RS
        Lab is used, but nothing of what it keeps.
    """
    if os.name == "nt":  # a folder below a user's profile is private there
        return False
    for pattern in _OWN_FILES:
        for path in home.glob(pattern):
            _close(path, 0o600)
    for name in _OWN_FOLDERS:
        if (home / name).is_dir():
            _close(home / name, 0o700)
        for parent, folders, files in os.walk(home / name):
            for folder in folders:
                _close(Path(parent, folder), 0o700)
            for file in files:
                _close(Path(parent, file), 0o600)
    return bool(home.stat().st_mode & 0o077)


def _close(path: Path, mode: int) -> None:
    """Take from others what they may do with a file; a link's target is not ours."""
    try:
        if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(mode)
    except FileNotFoundError:  # it was deleted meanwhile
        return
    except OSError as error:
        _LOG.warning("%s can be read by others and stays so (%s)", path, error.strerror)


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
