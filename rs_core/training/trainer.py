"""The one training loop: recipes differ in noise and loss, never in the loop."""

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from rs_core.datasets import Dataset
from rs_core.devices import resolve_precision
from rs_core.errors import CheckpointError, ParameterError
from rs_core.events import Finished, Step, Stream
from rs_core.models import build_network
from rs_core.results import ModelSpec, from_json, to_json
from rs_core.seeding import derive_seed
from rs_core.training.batches import PixelStore, augmented_batch, pixel_store, shuffled_batches
from rs_core.training.checkpoints import Checkpoint, keep_checkpoint, load_checkpoint
from rs_core.training.history import EpochDone, Trained
from rs_core.training.identity import data_digest, fitted_spec, hold_identity, training_identity
from rs_core.training.locks import held_alone
from rs_core.training.optimiser import WeightAverage, make_optimiser, rate_at
from rs_core.training.settings import TrainingSettings

MEASURED_IMAGES = 1000
_LOOK_EVERY = 32  # steps between looks at the loss: each look makes a GPU wait


class Trainer:
    """One training: network, optimiser and averages, advanced epoch by epoch."""

    def __init__(
        self,
        recipe: TrainingSettings,
        spec: ModelSpec,
        data: Dataset,
        seed: int,
        device: torch.device,
        held_out: Dataset | None,
        folder: Path | None,
    ) -> None:
        self.recipe, self.seed, self.device, self.folder = recipe, seed, device, folder
        self.spec = fitted_spec(spec, data)
        self.bf16 = resolve_precision(recipe.precision, device) == "bf16"
        self.identity = training_identity(
            recipe, self.spec, data_digest(data), seed, device.type, self.bf16
        )
        measured_on = held_out if held_out is not None else data
        self.facts = {
            "data": f"{data.name} {data.split}",
            "images": len(data),
            "accuracy_measured_on": f"{measured_on.name} {measured_on.split}",
        }
        self.store = self._store(data, len(data))
        self.measured = self._store(measured_on, MEASURED_IMAGES)
        self.augment = recipe.augment_for(self.spec.input_shape[0])
        self.network = self._fresh_network()
        self.average = WeightAverage(self.network, recipe.weight_average)
        self.optimiser = make_optimiser(
            self.network,
            learning_rate=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
        )
        self.history: list[EpochDone] = []
        self.threads: list[int] = []

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of one epoch."""
        return max(len(self.store) // self.recipe.batch_size, 1)

    def run(self, *, resume: bool) -> Stream[Trained]:
        """Steps, `EpochDone`s and the result; see `NoiseRecipe.run`."""
        with held_alone(self.folder):
            saved = load_checkpoint(self.folder) if resume and self.folder else None
            if saved is not None:
                self._restore(saved)
            self.threads.append(torch.get_num_threads())
            while len(self.history) < self.recipe.epochs:
                yield from self._epoch(len(self.history))
                if self.folder is not None:
                    keep_checkpoint(self.folder, self._checkpoint())
                yield self.history[-1]
        module = self.average.network.to("cpu").to(memory_format=torch.contiguous_format)
        module.requires_grad_(True)
        yield Finished(Trained(module, self._final_spec(), tuple(self.history)))

    def _epoch(self, epoch: int) -> Iterator[Step]:
        recipe, steps = self.recipe, self.steps_per_epoch
        total = steps * recipe.epochs
        generator = self._generator("epoch", epoch)
        losses = torch.zeros((), device=self.device)
        right = torch.zeros((), dtype=torch.int64, device=self.device)
        self.network.train()
        begun = time.perf_counter()
        batches = shuffled_batches(len(self.store), recipe.batch_size, generator)
        for step, rows in enumerate(batches, epoch * steps):
            rate = rate_at(step, total, recipe.learning_rate, recipe.schedule)
            loss, correct = self._step(rows, rate, generator)
            self.average.update(self.network, step)
            losses += loss
            right += correct
            if step % _LOOK_EVERY == 0:
                self._hold_finite(losses, epoch)
            yield Step(step + 1, total)
        self._hold_finite(losses, epoch)
        for tensor in self._tensors().values():
            self._hold_finite(tensor, epoch)
        seen = steps * min(recipe.batch_size, len(self.store))
        self._note_epoch(rate, losses.item() / steps, right.item() / seen, seen, begun)

    def _note_epoch(
        self, rate: float, loss: float, train_accuracy: float, seen: int, begun: float
    ) -> None:
        epoch, epochs = len(self.history) + 1, self.recipe.epochs
        trained = time.perf_counter()
        clean, noisy = self._accuracy(noisy=False), self._accuracy(noisy=True)
        self.history.append(
            EpochDone(
                done=epoch * self.steps_per_epoch,
                total=epochs * self.steps_per_epoch,
                epoch=epoch,
                epochs=epochs,
                loss=loss,
                train_accuracy=train_accuracy,
                clean_accuracy=clean,
                noisy_accuracy=noisy,
                learning_rate=rate,
                seconds=time.perf_counter() - begun,
                images_per_second=seen / max(trained - begun, 1e-9),
            )
        )

    def _step(self, rows: Tensor, rate: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        batch = augmented_batch(self.store, rows, self.augment, generator)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with self._autocast():
            loss, correct = self.recipe.batch_loss(self.network, batch, generator)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.optimiser.step()
        return loss.detach(), correct

    @torch.no_grad()
    def _accuracy(self, *, noisy: bool) -> float:
        """Share of the measured images classified correctly, 0..1; the same noise every epoch."""
        generator = self._generator("measure")
        right = 0
        order = torch.arange(len(self.measured), device=self.device)
        for rows in torch.split(order, 250):
            batch = augmented_batch(self.measured, rows, "none", generator)
            sigmas = self.recipe.draw_sigmas(len(rows), generator)
            inputs = batch.noisy_inputs(sigmas if noisy else sigmas * 0, generator)
            with self._autocast():
                answers = self.average.network(inputs).argmax(1)
            right += int((answers == batch.labels).sum())
        return right / len(self.measured)

    def _hold_finite(self, values: Tensor, epoch: int) -> None:
        if bool(values.isfinite().all()):
            return
        kept = f"the checkpoint after epoch {epoch} is kept; " if self.folder and epoch else ""
        raise ParameterError(
            f"the training diverged in epoch {epoch + 1}: its loss or weights are not finite; "
            f"{kept}lower learning_rate={self.recipe.learning_rate:g} and start again."
        )

    def _store(self, data: Dataset, limit: int) -> PixelStore:
        images, labels = data.images[:limit], data.labels[:limit]
        return pixel_store(images, labels, self.spec.mean, self.spec.std, self.device)

    def _fresh_network(self) -> nn.Module:
        spec = self.spec
        # torch's initialisers know only the global stream: borrow it and give it back
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(self.seed, "train", "weights"))
            network = build_network(
                spec.architecture, spec.input_shape, len(spec.class_names), spec.options
            )
        return network.to(self.device).to(memory_format=torch.channels_last)

    def _generator(self, *path: str | int) -> torch.Generator:
        generator = torch.Generator(device=self.device)
        return generator.manual_seed(derive_seed(self.seed, "train", *path))

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def _checkpoint(self) -> Checkpoint:
        state = {
            "identity": self.identity,
            "threads": self.threads,
            "history": [to_json(epoch) for epoch in self.history],
        }
        tensors = {name: t.detach().cpu().contiguous() for name, t in self._tensors().items()}
        return Checkpoint(tensors, state)

    def _tensors(self) -> dict[str, Tensor]:
        """Weights, averages and momenta by name; the tensors in use, not copies."""
        tensors = {f"network/{k}": v for k, v in self.network.state_dict().items()}
        tensors |= {f"average/{k}": v for k, v in self.average.network.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            momentum = self.optimiser.state[parameter].get("momentum_buffer")
            if momentum is not None:
                tensors[f"momentum/{name}"] = momentum
        return tensors

    def _restore(self, saved: Checkpoint) -> None:
        hold_identity(saved.state["identity"], self.identity)
        for name, parameter in self.network.named_parameters():
            if f"momentum/{name}" in saved.tensors:
                self.optimiser.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        mine = self._tensors()
        if {k: v.shape for k, v in mine.items()} != {k: v.shape for k, v in saved.tensors.items()}:
            raise CheckpointError(
                f"the checkpoint holds another {self.spec.architecture} than this version's: "
                "start anew, or resume with the version that wrote it."
            )
        with torch.no_grad():
            for name, tensor in mine.items():
                tensor.copy_(saved.tensors[name])
        self.threads = list(saved.state["threads"])
        self.history = [from_json(EpochDone, epoch) for epoch in saved.state["history"]]

    def _final_spec(self) -> ModelSpec:
        last = self.history[-1]
        provenance = {
            **self.spec.provenance,
            **self.facts,
            "recipe": self.identity["recipe"],
            "settings": to_json(dataclasses.asdict(self.recipe)),
            "augment": self.augment,
            "seed": self.seed,
            "data_sha256": self.identity["data"],
            "device": self.identity["device"],
            "precision": self.identity["precision"],
            "threads": self.threads,
            "torch": torch.__version__,
            "loss": last.loss,
            "clean_accuracy": last.clean_accuracy,
            "noisy_accuracy": last.noisy_accuracy,
        }
        return dataclasses.replace(
            self.spec, train_sigma=self.recipe.sigma_range, provenance=provenance
        )
