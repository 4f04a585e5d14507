"""CUDA graphs: a small network's kernels are shorter than the launching of them."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import torch
from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class _Tape(Generic[T]):
    key: Hashable
    graph: torch.cuda.CUDAGraph
    rows: Tensor
    found: T


class CudaGraph(Generic[T]):
    """A function of some rows whose kernels are recorded once and then replayed.

    Args:
        generator: what the function draws from, on a CUDA device.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator
        self._tape: _Tape[T] | None = None

    def hold(self, work: Callable[[Tensor], T], rows: Tensor, key: Hashable) -> bool:
        """Have `work` recorded under `key`; whether that was done now.

        Nothing is computed yet. What Python decides on its way is fixed in the recording.

        Raises:
            RuntimeError: `work` waits for the device, or memory runs out.
        """
        if self._tape is not None and key == self._tape.key:
            return False
        self.forget()  # first, so that its memory is free again
        device = self._generator.device
        with torch.cuda.device(device):  # the stream, too, would else be the first device's
            graph, own = torch.cuda.CUDAGraph(), rows.clone()
            graph.register_generator_state(self._generator)
            # Other threads may allocate meanwhile.
            apart = cast(Any, torch.cuda).Stream(device)
            with torch.cuda.graph(graph, stream=apart, capture_error_mode="thread_local"):
                found = work(own)
        self._tape = _Tape(key, graph, own, found)
        return True

    def replay(self, rows: Tensor) -> T:
        """What the recorded function makes of the rows; the next replay overwrites it."""
        assert self._tape is not None
        self._tape.rows.copy_(rows)
        with torch.cuda.device(self._generator.device):
            self._tape.graph.replay()
        return self._tape.found

    def forget(self) -> None:
        """Give the memory back."""
        self._tape = None
