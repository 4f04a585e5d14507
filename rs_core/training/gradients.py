"""What one step sees and learns from it: its batch, and the gradient in the parameters."""

import time

import torch
from torch import Tensor

from rs_core.classifiers.probe import told
from rs_core.errors import ParameterError
from rs_core.models.injected_noise import injects_noise
from rs_core.training.cuda_graphs import CudaGraph
from rs_core.training.data import Batch, PixelStore, augmented_batch
from rs_core.training.microbatches import is_out_of_memory
from rs_core.training.progress import Course
from rs_core.training.state import TrainState

Passed = tuple[Batch, tuple[Tensor, Tensor]]  # and its loss () and correct answers ()
_Recorded = tuple[Passed, list[Tensor | None]]  # and the parameters' gradients
_ONE_BY_ONE = 3  # steps before a recording: libraries prepare themselves at their first use


class StepGradients:
    """Draws batches and computes their gradients; on a GPU as recordings, one for each epoch.

    Args:
        generator: of everything that a step draws; the caller seeds it before each.
    """

    def __init__(
        self,
        learner: TrainState,
        course: Course,
        store: PixelStore,
        augment: str,
        generator: torch.Generator,
    ) -> None:
        self._learner, self._course = learner, course
        self._store, self._augment, self._generator = store, augment, generator
        self._done, self._news = 0, ""
        records = learner.recipe.recorded and learner.sigmas is None
        # A recording would repeat the noise that a network injects.
        records = records and not injects_noise(learner.network)
        records = records and generator.device.type == "cuda"
        self._recording = CudaGraph[_Recorded](generator) if records else None

    def run(self, rows: Tensor) -> Passed:
        """The batch of these training images (B,); its gradient is then in the parameters.

        Raises:
            ParameterError: a quarter of the batch does not fit into memory, or the recipe cannot
                be recorded.
        """
        self._done += 1
        if self._recording is not None and self._done > _ONE_BY_ONE:
            passed = self._replayed(self._recording, rows)
            if passed is not None:
                return passed
            self._recording = None
            self._seed_again()
        batch, pieces = self._batch(rows), self._course.pieces
        before = pieces.count
        found = pieces.gradients(self._learner, batch, self._generator, self._course.step)
        if pieces.count > before:
            self._news = pieces.told(len(rows))
        return batch, found

    def news(self) -> str:
        """What has changed in the way that steps are made, for a person; "" for nothing."""
        news, self._news = self._news, ""
        return news

    def rest(self) -> None:
        """Give back, at an epoch's end, what only its own steps needed."""
        if self._recording is not None:
            self._recording.forget()
            self._learner.optimiser.zero_grad(set_to_none=True)

    def _replayed(self, recording: CudaGraph[_Recorded], rows: Tensor) -> Passed | None:
        """What a recording of the step makes; None where there can be none."""
        try:
            key = (self._course.epoch, self._course.pieces.count)
            is_new = recording.hold(self._recorded, rows, key)
        except RuntimeError as error:
            self._check_memory(error)
            self._news = "a recording does not fit into memory: steps are now made one by one"
            return None
        expected = self._batch(rows) if is_new else None
        self._seed_again()
        (batch, found), gradients = recording.replay(rows)
        if expected is not None and not _same(batch, expected):
            self._news = "this version of torch does not replay: steps are now made one by one"
            return None
        for parameter, gradient in zip(self._parameters, gradients, strict=True):
            parameter.grad = gradient
        return batch, found

    def _recorded(self, rows: Tensor) -> _Recorded:
        batch = self._batch(rows)
        pieces = self._course.pieces.count
        found = self._learner.gradients(batch, self._generator, pieces)
        return (batch, found), [parameter.grad for parameter in self._parameters]

    @property
    def _parameters(self) -> list[torch.nn.Parameter]:
        return [p for group in self._learner.optimiser.param_groups for p in group["params"]]

    def _seed_again(self) -> None:
        self._generator.manual_seed(self._generator.initial_seed())

    def _check_memory(self, error: RuntimeError) -> None:
        if not is_out_of_memory(error):
            recipe = type(self._learner.recipe).__name__
            raise ParameterError(
                f"{recipe} cannot be recorded for a GPU ({told(error)}): its loss must not look at "
                "numbers on the device, or the recipe must say recorded = False."
            ) from error

    def _batch(self, rows: Tensor) -> Batch:
        """The images, moved and with their noise."""
        recipe, generator = self._learner.recipe, self._generator
        sigmas, own = recipe.draw_sigmas(len(rows), generator), self._learner.sigmas
        batch = augmented_batch(
            self._store, rows, self._augment, generator,
            epoch=self._course.epoch, distribution=recipe.noise_distribution,
        )  # fmt: skip
        if own is not None:
            begun = time.perf_counter()
            own.before(self._learner.view, batch, generator, self._learner.autocast)
            self._course.assigning += time.perf_counter() - begun
            sigmas = own.of(batch, generator)
        return batch.with_noise(sigmas, recipe.copies, generator)


def _same(batch: Batch, expected: Batch) -> bool:
    """Whether a replay drew what the step itself draws."""
    return torch.equal(batch.pixels, expected.pixels) and torch.equal(batch.noise, expected.noise)
