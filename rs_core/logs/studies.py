"""Repeated tables that come along: `result.json` of every folder, as `rs paper` wrote it."""

import logging
from functools import lru_cache
from pathlib import Path

from rs_core.assets import studies_path
from rs_core.errors import DataError, UnknownNameError
from rs_core.results import from_json
from rs_core.results.paper import RepeatedTable
from rs_core.strict_json import parse_json

RESULT = "result.json"
_LOG = logging.getLogger(__name__)


def shipped_studies(folder: Path | None = None) -> dict[str, RepeatedTable]:
    """The tables by the names of their folders, in alphabetical order; {} where none came along.

    One that cannot be read is told to the log, and left out.

    Args:
        folder: that holds them; the package's own by default.
    """
    try:
        root = folder or studies_path()
    except DataError:
        return {}
    found = {}
    for path in sorted(root.glob(f"*/{RESULT}")):
        try:
            found[path.parent.name] = _read(path, path.stat().st_mtime_ns)
        except DataError as error:
            _LOG.warning("%s", error)
    return found


def shipped_study(name: str, folder: Path | None = None) -> RepeatedTable:
    """One of them.

    Raises:
        UnknownNameError: none has that name.
    """
    found = shipped_studies(folder)
    if name not in found:
        raise UnknownNameError("study", name[:60], found)
    return found[name]


@lru_cache(maxsize=64)
def _read(path: Path, changed: int) -> RepeatedTable:
    """The table of a file, read once after every change."""
    try:
        return from_json(RepeatedTable, parse_json(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"the study {path.parent.name} cannot be read ({error!r}).") from None
