"""Batches in pieces, for memories that do not hold them whole."""

import torch
from torch import Tensor

from rs_core.errors import ParameterError
from rs_core.training.data import Batch
from rs_core.training.state import TrainState

MOST_PIECES = 4
_SAID = ("out of memory", "not enough memory", "can't allocate memory", "bad_alloc")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory has run out, on a CPU or a GPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _SAID)


class MicroBatches:
    """How many pieces a batch is computed in: 1, and twice as many whenever memory runs out.

    Noise is drawn for the whole batch beforehand and gradients add up to that of its mean loss;
    only batch norm notices, which takes its statistics from a piece.

    Attributes:
        log: [step, pieces] of every change.
    """

    def __init__(self) -> None:
        self.log: list[list[int]] = []

    @property
    def count(self) -> int:
        """Pieces now."""
        return self.log[-1][1] if self.log else 1

    def gradients(
        self, learner: TrainState, batch: Batch, generator: torch.Generator, step: int
    ) -> tuple[Tensor, Tensor]:
        """What `TrainState.gradients` gives, in as many pieces as the memory asks for.

        Raises:
            ParameterError: a quarter of the batch is still too much.
        """
        chance = generator.get_state()
        buffers = list(learner.network.buffers())
        before = [buffer.clone() for buffer in buffers]
        while True:
            try:
                return learner.gradients(batch, generator, self.count)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the handler: there the traceback would hold the failed pass's memory.
            self._halve(batch, step)
            learner.optimiser.zero_grad(set_to_none=True)
            generator.set_state(chance)
            with torch.no_grad():
                for buffer, value in zip(buffers, before, strict=True):
                    buffer.copy_(value)
            if batch.pixels.device.type == "cuda":
                torch.cuda.empty_cache()

    def told(self, size: int) -> str:
        """What has changed, for a person."""
        return (
            f"out of memory: batches of {size} images now go in {self.count} pieces, same noise "
            "and same mean loss, batch-norm statistics per piece"
        )

    def _halve(self, batch: Batch, step: int) -> None:
        if self.count >= MOST_PIECES or self.count >= len(batch):
            raise ParameterError(
                f"a batch of {len(batch)} images does not fit into memory, not even in "
                f"{self.count} pieces: lower batch_size, or the noisy copies of an image."
            ) from None
        self.log.append([step, 2 * self.count])
