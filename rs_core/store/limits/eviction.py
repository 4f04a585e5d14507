"""Keeping the run store within its limits: by age, and by size with a share for everybody."""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from rs_core.store.belongings import Belongings
from rs_core.store.calendar import DAY
from rs_core.store.limits.retention import Retention
from rs_core.store.records import Ended


class Kept(Protocol):
    """What a run store tells and does so that it can be held to its limits."""

    retention: Retention
    belongings: Belongings

    def believed_time(self) -> float:
        """Seconds since 1970, by a clock that does not jump."""
        ...

    def ended(self) -> Sequence[Ended]:
        """Ended runs, the longest ended first."""
        ...

    def delete(self, job: str) -> object:
        """Delete a run for good."""
        ...

    def sizes(self) -> dict[str, int]:
        """Bytes of every owner."""
        ...

    def size(self) -> int:
        """Bytes of all together."""
        ...


class _Victim(NamedTuple):
    size: int
    delete: Callable[[], object]


def evict(store: Kept, *, owner: str = "", room: int = 0) -> float:
    """Delete what outlived the age limit, then what the quota has no room for.

    Space is taken from whoever has the most, until it suffices or somebody else has as much: of
    an owner's things ended runs go first, the longest ended before the others, then images and
    models by their last use. Runs that are still open stay.

    Args:
        store: what is kept within its `retention`.
        owner: who is about to keep something more, as `owner_id` names them.
        room: bytes of it.

    Returns:
        Bytes that are lacking still: what remains are open runs, or what others have and `owner`
        has no less of.
    """
    limit = store.believed_time() - store.retention.keep_days * DAY
    for ended in store.ended():
        if ended.at < limit:
            store.delete(ended.job)
    for item in store.belongings.items():
        if item.used < limit:
            store.belongings.delete(item)
    sizes = defaultdict(int, store.sizes())
    sizes[owner] += room
    excess = sum(sizes.values()) - store.retention.quota_mb * 1e6
    return _shrink(store, sizes, excess, owner) if excess > 0 else 0.0


def _shrink(store: Kept, sizes: dict[str, int], excess: float, asking: str) -> float:
    victims: dict[str, deque[_Victim]] = defaultdict(deque)
    for run in store.ended():
        victims[run.owner].append(_Victim(run.size, partial(store.delete, run.job)))
    for item in store.belongings.items():
        victims[item.owner].append(_Victim(item.size, partial(store.belongings.delete, item)))
    while excess > 0:
        most = max(sizes, key=lambda one: sizes[one])
        if victims[most]:
            victim = victims[most].popleft()
            victim.delete()
            sizes[most] -= victim.size
            excess -= victim.size
        elif most == asking or len(sizes) == 1:
            break
        else:
            del sizes[most]  # all of it is still open
    return max(excess, 0.0)
