"""Keeping the run store within its limits: by age, and by size with a share for everybody."""

from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from rs_core.store.calendar import DAY

if TYPE_CHECKING:
    from rs_core.store.runs import RunStore


class _Victim(NamedTuple):
    size: int
    delete: Callable[[], object]


def evict(store: "RunStore", *, owner: str = "", room: int = 0) -> float:
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


def _shrink(store: "RunStore", sizes: dict[str, int], excess: float, asking: str) -> float:
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
