"""CUDA graphs: a small network's kernels are shorter than the launching of them."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


class Recording(Generic[T]):
    """A function of some rows whose kernels are recorded once and then replayed.

    It must not wait for the device. What Python decides on its way is fixed in the recording:
    another `key` records anew. What comes back is overwritten by the next call.

    Args:
        work: the function; it draws from `generator` alone.
        generator: on a CUDA device; seeded by the caller before each call.
    """

    def __init__(self, work: Callable[[Tensor], T], generator: torch.Generator) -> None:
        self._work, self._generator = work, generator
        self._tape: _Tape[T] | None = None

    def __call__(self, rows: Tensor, key: Hashable) -> T:
        """What `work` makes of the rows.

        Raises:
            RuntimeError: the device cannot record it, or runs out of memory.
        """
        if self._tape is None or key != self._tape.key:
            self.forget()  # first, so that its memory is free again
            self._tape = self._record(rows, key)
        tape = self._tape
        tape.rows.copy_(rows)
        tape.graph.replay()
        return tape.found

    def forget(self) -> None:
        """Give the memory back."""
        self._tape = None

    def _record(self, rows: Tensor, key: Hashable) -> "_Tape[T]":
        graph, own = torch.cuda.CUDAGraph(), rows.clone()
        graph.register_generator_state(self._generator)
        # Other threads may allocate meanwhile.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            found = self._work(own)
        return _Tape(key, graph, own, found)


@dataclass(frozen=True, eq=False)
class _Tape(Generic[T]):
    key: Hashable
    graph: torch.cuda.CUDAGraph
    rows: Tensor
    found: T
