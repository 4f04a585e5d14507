"""Files that are either the old one or the new one, whatever happens while writing."""

import errno
import os
import stat
import sys
from hashlib import blake2b
from pathlib import Path

if sys.platform != "win32":
    import fcntl


def write_durably(path: Path, data: bytes, *, private: bool = False) -> None:
    """Replace a file's content in one step: after a crash it holds the old or the new bytes.

    A link stays a link: the file behind it is replaced. A device or FIFO is written to and stays
    what it is.

    Args:
        private: nobody but the user may read it (0600), whatever the umask.
    """
    if is_outlet(path):
        with path.open("ab") as outlet:
            outlet.write(data)
        return
    target = Path(os.path.realpath(path))
    temporary = _beside(target)
    try:
        with open(temporary, "wb", opener=private_opener if private else None) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def private_opener(path: str, flags: int) -> int:
    """For `open(..., opener=...)`: a new file can be read and written by its user alone."""
    return os.open(path, flags, 0o600)


def check_writable(path: Path) -> None:
    """Raise the OSError that writing there would raise, as far as it can be known beforehand.

    Nothing is left behind, and nothing that exists is changed.
    """
    if is_outlet(path):
        # Opening a FIFO would wait for its reader, and closing it would end the reader's file.
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return
    target = Path(os.path.realpath(path))
    if os.path.lexists(target):
        with target.open("ab"):
            pass
    else:
        _try_new(target)
    _try_new(_beside(target))


def is_outlet(path: Path) -> bool:
    """Whether something stands there that takes bytes but must not be replaced: a device, a FIFO.

    Links are followed.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def lock_alone(handle: int) -> bool:
    """Lock an open file or folder for this process; False where another one holds it.

    The lock is the operating system's, so it ends with the process or when the handle is closed.
    A file system without locks holds nobody off.
    """
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _try_new(path: Path) -> None:
    with path.open("xb"):
        pass
    path.unlink()


def _beside(target: Path) -> Path:
    # A hash, because a name that is as long as the file system allows leaves no room for more.
    name = blake2b(os.fsencode(target.name), digest_size=8).hexdigest()
    return target.with_name(f".{name}.{os.getpid()}.tmp")


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder for fsync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
