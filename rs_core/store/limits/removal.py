"""Deleting for good: whatever could not be removed is named, with the reason."""

from pathlib import Path
from typing import NamedTuple

LAST = ("request.json", "owner")  # they say whose the rest of a run's folder is
_NAMED = 5


class Left(NamedTuple):
    """A file or folder that is still there, and why."""

    path: Path
    reason: str


class Deletion(NamedTuple):
    """How many runs were deleted, and what could not be."""

    runs: int
    left: list[Left]


def removed(path: Path) -> list[Left]:
    """What is left of a file or folder after it was deleted: nothing, if all went well.

    Links are deleted, not followed. Of a folder that cannot be emptied the files in `LAST` stay.
    """
    left: list[Left] = []
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
            return []
        for child in sorted(path.iterdir(), key=lambda child: child.name in LAST):
            if not (left and child.name in LAST):
                left += removed(child)
        if not left:
            path.rmdir()
    except FileNotFoundError:  # somebody else deleted it
        pass
    except OSError as error:
        left.append(Left(path, error.strerror or str(error)))
    return left


def left_words(left: list[Left], home: Path) -> str:
    """One sentence about what is still there and what to do."""
    named = ", ".join(_below(one.path, home) for one in left[:_NAMED])
    more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
    reasons = ", ".join(sorted({one.reason for one in left}))
    return (
        f"not everything could be deleted: {named}{more} in {home} could not be removed "
        f"({reasons}); the rest is gone: close what holds these files or take their write "
        "protection off, then delete again."
    )


def _below(path: Path, home: Path) -> str:
    return str(path.relative_to(home)) if path.is_relative_to(home) else str(path)
