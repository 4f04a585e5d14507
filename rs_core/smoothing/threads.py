"""Threads that compute whole blocks of noisy copies, each alone."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from threading import Barrier

import torch

from rs_core.classifiers import Classifier


@lru_cache(maxsize=4)
def block_threads(threads: int) -> ThreadPoolExecutor:
    """A pool whose threads compute alone: no barrier in any layer, noise on every core."""
    pool = ThreadPoolExecutor(threads, "rs-block", initializer=_compute_alone)
    barrier = Barrier(threads)  # starts every thread now, while the default can be put back
    list(pool.map(lambda _: barrier.wait(), range(threads)))
    torch.set_num_threads(threads)  # the initialisers also changed the process's default
    return pool


def voting_threads(classifier: Classifier) -> ThreadPoolExecutor | None:
    """The pool that asks this network, or None where the caller does."""
    # Noise that a network injects is the process's.
    alone = classifier.device.type != "cpu" or classifier.random
    threads = 1 if alone else torch.get_num_threads()
    return block_threads(threads) if threads > 1 else None


def _compute_alone() -> None:
    """One thread inside the network, from this pool thread on."""
    torch.get_num_threads()  # torch initialises a thread lazily, and would undo the next line then
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=block_threads.cache_clear)  # a child has no pool threads
