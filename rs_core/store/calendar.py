"""The time of the run store, which a clock that jumps for a moment does not move."""

import logging
import math
import time
from pathlib import Path

from rs_core.errors import DamagedError
from rs_core.store.documents import check_fields, is_number, read_document, write_document

DAY = 86_400.0
_LOG = logging.getLogger(__name__)
_FIELDS = {"seen": is_number, "believed": is_number}


class Calendar:
    """What time it is at least, by the looks of this and earlier processes.

    A time is believed once the clock has been looked at a day later, by the clock, and had not
    gone back in between. One that is a month ahead for an hour is never believed; one that goes
    back is believed again from there.

    Args:
        path: a file that keeps the looks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def look(self) -> float:
        """The latest time that is believed, in seconds since 1970; -inf before the second day."""
        now, (seen, believed) = time.time(), self._kept()
        if seen is None or now < seen:
            seen, believed = now, min(believed, now)
        elif now - seen >= DAY:
            seen, believed = now, seen
        else:
            return believed
        looks = {"seen": seen} | ({} if believed == -math.inf else {"believed": believed})
        try:
            write_document(self._path, looks)
        except OSError:  # a full disk is when room must be made
            _LOG.exception("a look at the clock could not be noted")
        return believed

    def now(self) -> float:
        """The clock's time, or what is believed already where the clock is behind it."""
        return max(time.time(), self._kept()[1])

    def _kept(self) -> tuple[float | None, float]:
        try:
            looks = read_document(self._path).content
            check_fields(looks, _FIELDS, self._path.name, all_of=False)
        except (OSError, DamagedError):  # then nothing is believed for a day
            return None, -math.inf
        return looks.get("seen"), looks.get("believed", -math.inf)
