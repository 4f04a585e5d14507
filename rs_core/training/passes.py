"""What one step sees and learns from it: its batch, and the gradient in the parameters."""

import dataclasses

import torch
from torch import Tensor

from rs_core.errors import ParameterError
from rs_core.probing import told
from rs_core.training.batches import Batch, PixelStore, augmented_batch
from rs_core.training.course import Course
from rs_core.training.learner import Learner
from rs_core.training.pieces import is_out_of_memory
from rs_core.training.recording import Recording

Passed = tuple[Batch, tuple[Tensor, Tensor]]  # and its loss () and correct answers ()
_ONE_BY_ONE = 3  # steps before a recording: libraries prepare themselves at their first use


class Passes:
    """Draws batches and computes their gradients; on a GPU as recordings, one for each epoch.

    Args:
        generator: of everything that a step draws; the caller seeds it before each.
    """

    def __init__(
        self,
        learner: Learner,
        course: Course,
        store: PixelStore,
        augment: str,
        generator: torch.Generator,
    ) -> None:
        self._learner, self._course = learner, course
        self._store, self._augment, self._generator = store, augment, generator
        self._done = 0
        records = generator.device.type == "cuda" and learner.recipe.recorded
        self._recording = Recording(self._recorded, generator) if records else None

    def run(self, rows: Tensor) -> Passed:
        """The batch of these training images (B,); its gradient is then in the parameters.

        Raises:
            ParameterError: a quarter of the batch does not fit into memory, or the recipe cannot
                be recorded.
        """
        self._done += 1
        if self._recording is not None and self._done > _ONE_BY_ONE:
            try:
                return self._recording(rows, (self._course.epoch, self._course.pieces.count))
            except RuntimeError as error:
                self._hold_memory(error)
            # A recording takes more memory than its steps.
            self._recording.forget()
            self._recording = None
            self._generator.manual_seed(self._generator.initial_seed())
        batch = self._batch(rows)
        pieces, number = self._course.pieces, self._course.step
        return batch, pieces.gradients(self._learner, batch, self._generator, number)

    def _recorded(self, rows: Tensor) -> Passed:
        batch = self._batch(rows)
        pieces = self._course.pieces.count
        return batch, self._learner.gradients(batch, self._generator, pieces)

    def _hold_memory(self, error: RuntimeError) -> None:
        if not is_out_of_memory(error):
            recipe = type(self._learner.recipe).__name__
            raise ParameterError(
                f"{recipe} cannot be recorded for a GPU ({told(error)}): its loss must not look at "
                "numbers on the device, or the recipe must say recorded = False."
            ) from error

    def _batch(self, rows: Tensor) -> Batch:
        """The images, moved and with their noise."""
        recipe, generator = self._learner.recipe, self._generator
        sigmas = recipe.sigmas_of(rows, self._learner.kept, generator)
        batch = augmented_batch(self._store, rows, self._augment, generator)
        batch = dataclasses.replace(batch, epoch=self._course.epoch)
        return batch.with_noise(sigmas, recipe.copies, generator)
