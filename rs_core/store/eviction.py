"""Keeping the run store within its limits."""

import time

from rs_core.store.runs import RunStore

_DAY = 86_400.0


def evict(store: RunStore) -> None:
    """Delete what outlived the age limit, then the oldest until the quota is kept.

    Ended runs go first, the longest ended before the others, then images and models by their
    last use. Runs that are still open stay.
    """
    limit = time.time() - store.retention.keep_days * _DAY
    for job, ended, _ in store.ended():
        if ended < limit:
            store.delete(job)
    for item in store.belongings.items():
        if item.used < limit:
            store.belongings.delete(item)
    _shrink(store, store.size() - store.retention.quota_mb * 1e6)


def _shrink(store: RunStore, excess: float) -> None:
    for job, _, size in store.ended():
        if excess <= 0:
            return
        store.delete(job)
        excess -= size
    for item in store.belongings.items():
        if excess <= 0:
            return
        store.belongings.delete(item)
        excess -= item.size
