"""A training as the worker runs it: in short steps, watched, from where it was when it died."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from rs_core.classifiers import Classifier
from rs_core.errors import CheckpointError
from rs_core.evaluation.training import Course, Probe, TrainingOutcome
from rs_core.events import Finished, Step, Stream
from rs_core.images import ImageInput
from rs_core.results import ModelSpec, to_json
from rs_core.training import EpochDone
from rs_core.training.checkpoints import Checkpoint, load_checkpoint
from rs_core.training.kept import averaged_network
from rs_core.worker.confusing import confusions
from rs_core.worker.probe_radii import probe_points
from rs_core.worker.train_step import TrainStep
from rs_core.worker.training_config import TrainTask
from rs_core.worker.training_sets import Splits, gathered
from rs_core.worker.watched import Watched

Keep = Callable[[ModelSpec, bytes], tuple[str, ModelSpec]]


class Training:
    """One run of a training.

    Args:
        task: what is asked for.
        images: the probe images, of the data set's shape.
        seed, device: as the request has them.
        folder: of checkpoints and of what was watched; a training that it holds goes on.
        keep: puts the network and its safetensors among its owner's models, and says its name for
            requests and its spec as written.
    """

    def __init__(
        self,
        task: TrainTask,
        images: Sequence[ImageInput],
        *,
        seed: int,
        device: str,
        folder: Path,
        keep: Keep,
    ) -> None:
        self._task, self._images, self._seed = task, images, seed
        self._device, self._folder, self._keep = device, folder, keep
        known = zip(task.probes, images, task.labels, strict=True)
        course = Course(
            epochs=(), planned=task.recipe.epochs,
            probes=tuple(Probe(key, image.name, label) for key, image, label in known),
            sigma=task.sigma, n=task.options.probe_n, alpha=task.options.alpha,
        )  # fmt: skip
        self._watched = Watched(course, folder)
        self._last, self._steps, self._here = Step(0, 0), 0, 0.0

    def run(self) -> Stream[TrainingOutcome]:
        """Yields steps, then the outcome.

        Raises:
            DataError: the data set is gone.
            ParameterError: the loss is no longer finite; the last checkpoint is kept.
            CheckpointError: the disk is full, or the checkpoint is of another training.
        """
        splits = yield from gathered(self._task.options.dataset)
        architecture = self._task.options.architecture
        spec = replace(splits.spec, name=self._task.name, architecture=architecture)
        saved = load_checkpoint(self._folder)
        if saved is not None:
            self._watched.recall(saved)
        yield from self._look(spec)  # a process may die between a checkpoint and its probes
        if not self._is_spent():
            yield from self._epochs(spec, splits)
        yield from self._finish(spec, splits)

    def _epochs(self, spec: ModelSpec, splits: Splits) -> Iterator[Step]:
        """Epochs until the last one, or until the time is spent."""
        stream = self._task.recipe.run(
            spec, splits.train, seed=self._seed, device=self._device, held_out=splits.held_out,
            checkpoint=self._folder, resume=True,
        )  # fmt: skip
        while True:
            begun = time.perf_counter()
            event = next(stream)
            spent = time.perf_counter() - begun
            self._watched.seconds += spent
            if isinstance(event, Finished):
                return
            if isinstance(event, EpochDone):
                self._watched.note_epoch(event)
                yield from self._look(spec)
                yield self._step("training", kept=True)
                if self._is_spent():
                    return
                continue
            self._last, self._steps, self._here = event, self._steps + 1, self._here + spent
            yield self._step("training", getattr(event, "loss", None))

    def _look(self, spec: ModelSpec) -> Iterator[Step]:
        """Certify the probes on the network of the last epoch, unless they are."""
        if self._watched.is_looked_at or not self._images:
            return
        course = self._watched.course
        stream = probe_points(
            self._classifier(spec), self._images, sigma=course.sigma, n=course.n,
            end_alpha=self._task.end_alpha, epoch=len(course.epochs), seed=self._seed,
        )  # fmt: skip
        points = yield from self._through("certifying the probe images", stream)
        self._watched.note_points(points)

    def _finish(self, spec: ModelSpec, splits: Splits) -> Stream[TrainingOutcome]:
        stopped, classifier = self._why_stopped(), self._classifier(spec)
        looks = confusions(classifier, splits.held_out, sigma=self._task.sigma, seed=self._seed)
        found = yield from self._through("counting the mistakes", looks)
        described = replace(
            spec,
            train_sigma=self._task.recipe.sigma_range,
            provenance=self._provenance(splits, stopped),
        )
        network = averaged_network(self._saved(), spec)
        tensors = {name: t.contiguous() for name, t in network.state_dict().items()}
        model, kept = self._keep(described, safetensors.torch.save(tensors))
        course = self._watched.course
        yield Finished(TrainingOutcome(model, kept, course, splits.measured_on, found, stopped))

    def _why_stopped(self) -> str:
        done, planned = len(self._watched.course.epochs), self._watched.course.planned
        if done >= planned:
            return ""
        return (
            f"the budget of {self._task.options.minutes:g} minutes was spent after epoch {done} of "
            f"{planned}, before the learning rate had run its course"
        )

    def _provenance(self, splits: Splits, stopped: str) -> dict[str, Any]:
        last = self._watched.course.epochs[-1]
        return {
            "data": f"{splits.train.name} {splits.train.split}",
            "images": len(splits.train),
            "accuracy_measured_on": splits.measured_on,
            "recipe": type(self._task.recipe).__name__,
            "settings": to_json(self._task.recipe),
            "seed": self._seed,
            "device": self._device,
            "torch": torch.__version__,
            "epochs_done": last.epoch,
            "stopped": stopped,
            "loss": last.loss,
            "clean_accuracy": last.clean_accuracy,
            "noisy_accuracy": last.noisy_accuracy,
        }

    def _classifier(self, spec: ModelSpec) -> Classifier:
        """The network after the last epoch, as it votes."""
        network = averaged_network(self._saved(), spec)
        return Classifier(network, spec, device=self._device, precision="auto")

    def _saved(self) -> Checkpoint:
        saved = load_checkpoint(self._folder)
        if saved is None:
            raise CheckpointError("the checkpoint of this training is gone: start it again.")
        return saved

    def _is_spent(self) -> bool:
        limit = 60 * self._task.options.minutes
        return bool(self._watched.course.epochs) and 0 < limit <= self._watched.seconds

    def _through(
        self, phase: str, stream: Generator[Step, None, Any]
    ) -> Generator[Step, None, Any]:
        """The result of a part that is not counted; a step that names it for each of its own."""
        while True:
            begun = time.perf_counter()
            try:
                next(stream)
            except StopIteration as end:
                return end.value
            finally:
                self._watched.seconds += time.perf_counter() - begun
            yield self._step(phase)

    def _step(self, phase: str, loss: float | None = None, *, kept: bool = False) -> TrainStep:
        pace = self._here / self._steps if self._steps else 0.0
        size = self._task.recipe.batch_size
        course = self._watched.course
        return TrainStep(
            done=self._last.done, total=self._last.total, phase=phase,
            epoch=min(len(course.epochs) + 1, course.planned), loss=loss,
            images_per_second=size / pace if pace else 0.0,
            seconds_left=pace * (self._last.total - self._last.done),
            course=self._watched.told, kept=kept,
        )  # fmt: skip
