"""The one training loop: recipes differ in noise and loss, never in the loop."""

import dataclasses
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rs_core.classifiers.devices import resolve_precision
from rs_core.datasets import Dataset
from rs_core.errors import CheckpointError, ParameterError
from rs_core.events import Finished, PhaseStep, Step, Stream
from rs_core.fields import settings_of
from rs_core.results import ModelSpec, to_json
from rs_core.seeding import block_seeds, derive_seed
from rs_core.training.checkpoints.files import Checkpoint, keep_checkpoint, load_checkpoint
from rs_core.training.checkpoints.fingerprint import (
    check_identity,
    data_digest,
    fitted_spec,
    training_identity,
)
from rs_core.training.checkpoints.first_weights import continued_spec, first_weights
from rs_core.training.checkpoints.lock import held_alone
from rs_core.training.data import PixelStore, pixel_store, shuffled
from rs_core.training.evaluate import accuracy
from rs_core.training.gradients import StepGradients
from rs_core.training.history import ProbeDone, ProbeRadius, Trained
from rs_core.training.optimiser import rate_at
from rs_core.training.probes import Probes
from rs_core.training.progress import LOOK_EVERY, Course
from rs_core.training.settings import TrainingSettings
from rs_core.training.state import TrainState

MEASURED_IMAGES = 1000
KEEP_EVERY = 60.0
_ORDER, _STEP, _MEASURE, _ASSIGN = range(4)  # slots of the seed path


class Trainer:
    """One training: a `TrainState` taken along a `Course`, step by step."""

    def __init__(
        self,
        recipe: TrainingSettings,
        spec: ModelSpec,
        data: Dataset,
        *,
        seed: int,
        device: torch.device,
        held_out: Dataset | None,
        folder: Path | None,
        probes: Probes | None,
        keep_every: float,
        init: str | Path | None = None,
    ) -> None:
        self.recipe, self.seed, self.device, self.folder = recipe, seed, device, folder
        self.probes, self.keep_every = probes, keep_every
        recipe.check_data(data)
        first = None if init is None else first_weights(init)
        self.spec = fitted_spec(spec if first is None else continued_spec(spec, first.spec), data)
        if probes is not None:
            probes.check_fit(self.spec, recipe)
        bf16 = resolve_precision(recipe.precision, device) == "bf16"
        self.identity = training_identity(
            recipe, self.spec, data_digest(data), seed, device.type, bf16
        )
        measured_on = held_out if held_out is not None else data
        self.facts: dict[str, Any] = {
            "data": f"{data.name} {data.split}",
            "images": len(data),
            "accuracy_measured_on": f"{measured_on.name} {measured_on.split}",
        }
        if data.targets is not None:
            self.facts["targets"] = data.source
        if first is not None:
            self.identity["init"], self.facts["init"] = first.spec.sha256, first.facts
        self.store = self._store(data, len(data))
        self.measured = self._store(measured_on, MEASURED_IMAGES)
        self.augment = recipe.augment_for(self.spec.input_shape)
        self.learner = TrainState(
            recipe, self.spec, self.store, seed=seed, bf16=bf16, first=first,
            digest=self.identity["data"],
        )  # fmt: skip
        self.course = Course(recipe.epochs, max(len(data) // recipe.images_per_step, 1))
        self.chance = torch.Generator(device=device)  # of the steps, seeded for each
        self.passes = StepGradients(
            self.learner, self.course, self.store, self.augment, self.chance
        )
        self._base = derive_seed(seed, "train")
        self._kept_at = time.monotonic()

    def run(self, *, resume: bool) -> Stream[Trained]:
        """Steps, `EpochDone`s and the result; see `Recipe.run`."""
        with held_alone(self.folder):
            saved = load_checkpoint(self.folder) if resume and self.folder else None
            if saved is not None:
                self._restore(saved)
            elif self.learner.sigmas is not None:
                self.learner.sigmas.check_begun()
            self.course.threads.append(torch.get_num_threads())
            try:
                while not self.course.is_over:
                    yield from self._assign()
                    yield from self._steps()
                    yield from self._end_epoch()
            except GeneratorExit:  # who stops iterating, at a yield, loses no step
                self._keep_last()
                raise
        module = self.learner.average.network.to("cpu")
        module = module.to(memory_format=torch.contiguous_format).requires_grad_(True)
        own = self.learner.sigmas
        sigmas = None if own is None else own.tensors["sigma"].cpu().numpy()
        yield Finished(Trained(module, self._final_spec(), tuple(self.course.history), sigmas))

    def _assign(self) -> Iterator[Step]:
        """The images' own sigmas, where all are assigned before an epoch begins."""
        course, own, total = self.course, self.learner.sigmas, len(self.store)
        if own is None:
            return
        for rows in own.left(course.epoch):
            begun, first = time.perf_counter(), int(rows[0])
            chance = self._generator(_ASSIGN, course.epoch * total + first)
            own.assign_rows(
                self.learner.view, self.store, rows, course.epoch, chance, self.learner.autocast
            )
            spent = time.perf_counter() - begun
            course.assigning, course.seconds = course.assigning + spent, course.seconds + spent
            told = f"choosing sigmas: {first + len(rows):,} of {total:,} images"
            yield PhaseStep(done=course.step, total=course.total, phase=told)
            self._keep_now_and_then()

    def _steps(self) -> Iterator[Step]:
        """The steps that are left of this epoch."""
        course, learner = self.course, self.learner
        size = min(self.recipe.images_per_step, len(self.store))
        order = shuffled(len(self.store), self._generator(_ORDER, course.epoch))
        while course.step < course.epoch_end:
            begun = time.perf_counter()
            first = (course.step - course.epoch * course.steps_per_epoch) * size
            learner.sums += torch.stack(self._step(order[first : first + size])).double()
            course.step += 1
            if course.step == course.epoch_end or course.step % LOOK_EVERY == 0:
                self._check_finite(bool(learner.sums.isfinite().all()))
            course.seconds += time.perf_counter() - begun
            if news := self.passes.news():
                yield PhaseStep(done=course.step, total=course.total, phase=news)
            yield course.told(learner.sums, waits=self.device.type != "cpu")
            self._keep_now_and_then()

    def _step(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Loss () and correct answers () of one optimiser step."""
        learner, number = self.learner, self.course.step
        self.chance.manual_seed(self._seed(_STEP, number))
        _, found = self.passes.run(rows)
        learner.step(self._rate(number), number)
        return found

    def _rate(self, step: int) -> float:
        recipe, each = self.recipe, self.course.steps_per_epoch
        return rate_at(
            step, self.course.total, recipe.learning_rate, recipe.schedule,
            warm_up=recipe.warm_up * each, drops=[e * each for e in recipe.drops_after],
            factor=recipe.drop_factor,
        )  # fmt: skip

    def _end_epoch(self) -> Iterator[Step]:
        """Measure, certify the probe images, keep a checkpoint, tell."""
        course, learner = self.course, self.learner
        self._check_finite(learner.is_finite())
        self.passes.rest()
        begun = time.perf_counter()
        clean = yield from self._accuracy(noisy=False)
        noisy = yield from self._accuracy(noisy=True)
        probes = yield from self._certified()
        loss, right = learner.sums.tolist()
        seen = course.steps_per_epoch * min(self.recipe.images_per_step, len(self.store))
        done = course.note_epoch(
            loss=loss / course.steps_per_epoch,
            train_accuracy=right / seen,
            clean_accuracy=clean,
            noisy_accuracy=noisy,
            rate=self._rate(course.step - 1),
            seen=seen,
            measuring=time.perf_counter() - begun,
            probes=probes,
            sigmas=None if learner.sigmas is None else learner.sigmas.spread(),
        )
        learner.sums.zero_()
        if self.folder is not None:
            self._keep()
        yield done

    def _certified(self) -> Generator[Step, None, tuple[ProbeRadius, ...]]:
        if self.probes is None:
            return ()
        course, found = self.course, list[ProbeRadius]()
        for probe in self.probes.certified(
            self.learner.average.network, self.spec, str(self.device),
            sigma=self.recipe.sigma, epochs=self.recipe.epochs,
            seed=derive_seed(self.seed, "train", "probes"),
        ):  # fmt: skip
            found.append(probe)
            yield ProbeDone(
                done=course.step, total=course.total, epoch=len(course.history) + 1,
                index=len(found) - 1, probe=probe,
            )  # fmt: skip
        return tuple(found)

    def _accuracy(self, *, noisy: bool) -> Generator[Step, None, float]:
        """Share of the measured images classified correctly, 0..1; the same noise every epoch."""
        return accuracy(
            self.learner.averaged, self.measured, self.recipe, self._generator(_MEASURE, 0),
            noisy=noisy, context=self.learner.autocast,
            told=Step(done=self.course.step, total=self.course.total),
        )  # fmt: skip

    def _check_finite(self, finite: bool) -> None:
        if finite:
            return
        epochs = len(self.course.history)
        kept = "the last good checkpoint is kept; " if self.folder and self.course.kept else ""
        raise ParameterError(
            f"the training diverged in epoch {epochs + 1}: its loss or weights are not finite; "
            f"{kept}lower learning_rate={self.recipe.learning_rate:g} and start again."
        )

    def _store(self, data: Dataset, limit: int) -> PixelStore:
        images, labels = data.images[:limit], data.labels[:limit]
        targets = None if data.targets is None else data.targets[:limit]
        return pixel_store(images, labels, self.spec.mean, self.spec.std, self.device, targets)

    def _seed(self, slot: int, number: int) -> int:
        """Chance of its own for every order and step: any is gone on from as if never stopped."""
        (seed,) = block_seeds(self._base, slot, number, 1)
        return seed

    def _generator(self, slot: int, number: int) -> torch.Generator:
        return torch.Generator(device=self.device).manual_seed(self._seed(slot, number))

    def _keep_now_and_then(self) -> None:
        if self.folder and time.monotonic() - self._kept_at >= self.keep_every:
            self._keep()

    def _keep(self) -> None:
        """A checkpoint of this step, of finite numbers only."""
        assert self.folder is not None
        self._check_finite(self.learner.is_finite())
        state = {
            **self.course.as_json(),
            "identity": self.identity,
            "spec": to_json(self._final_spec()),
        }
        keep_checkpoint(self.folder, Checkpoint(self.learner.on_cpu(), state))
        self.course.kept, self._kept_at = True, time.monotonic()

    def _keep_last(self) -> None:
        """Keep the step under way where that is possible; the checkpoint before it is there."""
        if self.folder is None or not self.course.step:
            return
        try:
            self._keep()
        except (CheckpointError, ParameterError):  # a full disk, or weights that are spoilt
            return

    def _restore(self, saved: Checkpoint) -> None:
        self.course.restore(saved.state)
        if "init" in saved.state["identity"] and "init" not in self.identity:
            # The checkpoint has come further: the first weights may be gone meanwhile.
            self.identity["init"] = saved.state["identity"]["init"]
            self.facts["init"] = saved.state["spec"]["provenance"]["init"]
        check_identity(saved.state["identity"], self.identity)
        self.learner.load(saved.tensors)

    def _final_spec(self) -> ModelSpec:
        """The spec with everything that is known of the training so far."""
        own = self.learner.sigmas
        provenance = (
            self.spec.provenance
            | self.facts
            | self.course.facts()
            | {
                "recipe": self.identity["recipe"],
                "settings": to_json(settings_of(self.recipe)),
                "augment": self.augment,
                "seed": self.seed,
                "data_sha256": self.identity["data"],
                "device": self.identity["device"],
                "precision": self.identity["precision"],
                "torch": torch.__version__,
            }
        )
        return dataclasses.replace(
            self.spec,
            train_sigma=self.recipe.sigma_range if own is None else own.sigma_range,
            provenance=provenance,
        )
