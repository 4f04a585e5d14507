"""A training as the worker runs it: in short steps, watched, from where it was when it died."""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors.torch

from rs_core.classifiers import Classifier
from rs_core.datasets import Dataset
from rs_core.errors import CheckpointError
from rs_core.events import Finished, PhaseStep, Step, Stream
from rs_core.results import ModelSpec, to_json
from rs_core.results.training import Course, TrainingOutcome
from rs_core.training import EpochDone, ProbeDone, Probes
from rs_core.training.checkpoints.export import assigned_sigmas, trained_network
from rs_core.training.checkpoints.files import Checkpoint, load_checkpoint
from rs_core.training.checkpoints.sigma_file import packed_sigmas
from rs_core.training.recipes import DualRSPicker
from rs_core.worker.datasets import Splits, gathered
from rs_core.worker.job import TrainStep
from rs_core.worker.training.config import TrainTask
from rs_core.worker.training.confusion import confusions
from rs_core.worker.training.progress import after, empty_course, history

Keep = Callable[[ModelSpec, bytes, bytes], tuple[str, ModelSpec]]


class Training:
    """One run of a training.

    Args:
        task: what is asked for.
        probes: the images that are followed, None for none.
        seed, device: as the request has them.
        folder: of the checkpoint; a training that it holds goes on.
        keep: puts the network, its safetensors and its images' sigmas (b"" for none) among its
            owner's models, and says its name for requests and its spec as written.
        base: loads the network whose radii teach, None where nothing is learned about another.
    """

    def __init__(
        self,
        task: TrainTask,
        probes: Probes | None,
        *,
        seed: int,
        device: str,
        folder: Path,
        keep: Keep,
        base: Callable[[], Classifier] | None = None,
    ) -> None:
        self._base = base
        self._task, self._probes, self._seed = task, probes, seed
        self._device, self._folder, self._keep = device, folder, keep
        self._take(empty_course(task, () if probes is None else probes.images))
        self._seconds, self._phase, self._loss = 0.0, "training", None
        self._last, self._steps, self._here = Step(0, 0), 0, 0.0
        self._whole = 0.0  # seconds here, with those that measure and certify

    def run(self) -> Stream[TrainingOutcome]:
        """Yields steps, then the outcome.

        Raises:
            DataError: the data set is gone.
            ParameterError: the loss is no longer finite; the last checkpoint is kept.
            CheckpointError: the disk is full, or the checkpoint is of another training.
        """
        splits = yield from self._labelled((yield from gathered(self._task.options.dataset)))
        saved = load_checkpoint(self._folder)
        if saved is not None:
            self._recall(saved)
        if saved is None or not (self._is_spent() and _is_whole(saved)):
            yield from self._epochs(splits)
        yield from self._finish(splits)

    def _labelled(self, splits: Splits) -> Generator[Step, None, Splits]:
        """The splits, labelled by radii where the recipe learns from those."""
        recipe = self._task.recipe
        if self._base is None or not isinstance(recipe, DualRSPicker):
            return splits
        network, found = self._base(), list[Dataset]()
        for data in (splits.train, splits.held_out):
            stream = recipe.radii.run(network, data, seed=self._seed, folder=self._folder)
            for event in stream:
                if isinstance(event, Finished):
                    found.append(event.result)
                else:
                    yield self._told_of(event, 0.0)
        spec = replace(splits.spec, class_names=recipe.radii.class_names)
        return splits._replace(train=found[0], held_out=found[1], spec=spec)

    def _epochs(self, splits: Splits) -> Iterator[Step]:
        """Epochs until the last one, or until the time is spent."""
        architecture = self._task.options.architecture
        spec = replace(splits.spec, name=self._task.name, architecture=architecture)
        stream = self._task.recipe.run(
            spec, splits.train, seed=self._seed, device=self._device, held_out=splits.held_out,
            checkpoint=self._folder, resume=True, probes=self._probes,
        )  # fmt: skip
        try:
            while True:
                begun = time.perf_counter()
                event = next(stream)
                spent = time.perf_counter() - begun
                self._seconds += spent
                self._whole += spent
                if isinstance(event, Finished):
                    return
                yield self._told_of(event, spent)
                if isinstance(event, EpochDone) and self._is_spent():
                    return
        finally:
            if isinstance(stream, Generator):
                stream.close()  # and so keep the last step, before anything else happens

    def _told_of(self, event: Step, spent: float) -> TrainStep:
        """What those who follow see of an event of the trainer, which took `spent` seconds."""
        if isinstance(event, EpochDone):
            self._take(after(self._course, event))
            return self._step("training", kept=True)
        if isinstance(event, ProbeDone):
            return self._step("certifying the probe images")
        if isinstance(event, PhaseStep):
            return self._step(event.phase)
        if event.done > self._last.done:
            self._steps, self._here = self._steps + 1, self._here + spent
            self._last = event
        return self._step("training", getattr(event, "loss", None))

    def _finish(self, splits: Splits) -> Stream[TrainingOutcome]:
        saved = load_checkpoint(self._folder)
        if saved is None:
            raise CheckpointError("the checkpoint of this training is gone: start it again.")
        network, spec = trained_network(saved)
        stopped = self._why_stopped()
        classifier = Classifier(network, spec, device=self._device, precision="auto")
        looks = confusions(classifier, splits.held_out, sigma=self._task.sigma, seed=self._seed)
        while True:
            try:
                next(looks)
            except StopIteration as end:
                found = end.value
                break
            yield self._step("counting the mistakes")
        facts = {"accuracy_measured_on": splits.measured_on, "stopped": stopped}
        described = replace(spec, provenance=spec.provenance | facts)
        tensors = {name: t.contiguous() for name, t in network.state_dict().items()}
        sigmas = assigned_sigmas(saved)
        packed = b"" if sigmas is None else packed_sigmas(sigmas, spec.provenance["data_sha256"])
        model, kept = self._keep(described, safetensors.torch.save(tensors), packed)
        outcome = TrainingOutcome(model, kept, self._course, splits.measured_on, found, stopped)
        yield Finished(outcome)

    def _why_stopped(self) -> str:
        done, planned = len(self._course.epochs), self._course.planned
        if done >= planned:
            return ""
        return (
            f"the budget of {self._task.options.minutes:g} minutes was spent after epoch {done} of "
            f"{planned}, before the learning rate had run its course"
        )

    def _recall(self, saved: Checkpoint) -> None:
        """Take up what an earlier process did."""
        for event in history(saved):
            self._take(after(self._course, event))
            self._seconds += event.seconds
            self._last = Step(event.done, event.total)

    def _take(self, course: Course) -> None:
        self._course = course
        self._told: dict[str, Any] = to_json(course)

    def _is_spent(self) -> bool:
        """Whether the time is over that it may take."""
        return 0 < 60 * self._task.options.minutes <= self._seconds

    def _step(self, phase: str, loss: float | None = None, *, kept: bool = False) -> TrainStep:
        steps = max(self._steps, 1)
        pace, left = self._here / steps, self._last.total - self._last.done
        return TrainStep(
            done=self._last.done, total=self._last.total, phase=phase,
            epoch=min(len(self._course.epochs) + 1, self._course.planned), loss=loss,
            images_per_second=self._task.recipe.images_per_step / pace if pace else 0.0,
            seconds_left=self._whole / steps * left if self._steps else 0.0,
            course=self._told, kept=kept,
        )  # fmt: skip


def _is_whole(saved: Checkpoint) -> bool:
    """Whether a checkpoint was written at the end of an epoch."""
    history = saved.state["history"]
    return bool(history) and bool(saved.state["step"] == history[-1]["done"])
