"""How much the run store takes, held to its limit whenever something is written."""

import logging
from threading import RLock

from rs_core.errors import StoreError
from rs_core.store.limits.eviction import Kept, evict

_LOG = logging.getLogger(__name__)


class Quota:
    """The bytes of a store, counted when they are first needed and followed from then on.

    What other processes write is seen at the next `tidy`.

    Args:
        store: what is held to its `retention`.
        lock: the store's own, which is held while it writes and while this deletes.
    """

    def __init__(self, store: Kept, lock: "RLock") -> None:
        self._store, self._lock = store, lock
        self._taken: float | None = None

    def tidy(self, owner: str = "", room: int = 0) -> float:
        """Keep the limits of age and size now, as `evict` does; bytes that are lacking still.

        Raises:
            StoreError: the index cannot be read.
        """
        with self._lock:
            lacking = evict(self._store, owner=owner, room=room)
            self._taken = self._store.size()
        return lacking

    def take(self, owner: str, size: int) -> None:
        """Make room for what an owner is about to keep, and count it.

        Raises:
            StoreError: there is none, even if this owner's ended runs and uploads went.
        """
        with self._lock:
            self.make_room(owner, size)
            self.grow(size)

    def make_room(self, owner: str, size: int) -> None:
        """As `take`, for what is counted by another."""
        limit = self._limit
        with self._lock:
            lacking = size - limit
            if lacking <= 0:
                lacking = self._lacking(owner, size)
        if lacking > 0:
            raise StoreError(
                f"{size / 1e6:.3g} MB more do not fit: runs and uploads may take {limit / 1e6:g} "
                "MB together (RS_QUOTA_MB), which open runs or the shares of others take up; wait "
                "for open runs, cancel some, or raise the limit."
            )

    def grow(self, size: float) -> None:
        """Count what was written or, below 0, deleted."""
        with self._lock:
            if self._taken is not None:
                self._taken += size

    def hold(self) -> None:
        """Keep the limits after a write that is never refused."""
        with self._lock:
            self._lacking("", 0)

    @property
    def _limit(self) -> float:
        return self._store.retention.quota_mb * 1e6

    def _lacking(self, owner: str, size: int) -> float:
        if self._taken is not None and self._taken + size <= self._limit:
            return 0.0
        try:
            return self.tidy(owner, size)
        except StoreError:  # locked or full: the write itself will say so
            _LOG.exception("the run store could not be tidied")
            return 0.0
