"""How far a training has come: steps, epochs, times; everything of it that is not a tensor."""

from typing import Any

from torch import Tensor

from rs_core.errors import CheckpointError
from rs_core.events import Step
from rs_core.results import from_json, to_json
from rs_core.results.training import SigmaSpread
from rs_core.training.history import EpochDone, LossStep, ProbeRadius
from rs_core.training.microbatches import MicroBatches

LOOK_EVERY = 32  # steps between looks at the loss: each look makes a GPU wait
_FORMAT = 2  # of a checkpoint's state; another one belongs to another version of the trainer


class Course:
    """The way of one training, counted in optimiser steps.

    Attributes:
        step: steps done.
        history: the epochs done.
        threads: CPU threads of every start and resumption.
        pieces: what batches are cut into.
        seconds: spent on the steps of the epoch under way.
        assigning: those of them that went into the images' own sigmas.
        kept: whether there is a checkpoint of this training.
    """

    def __init__(self, epochs: int, steps_per_epoch: int) -> None:
        self.epochs, self.steps_per_epoch = epochs, steps_per_epoch
        self.step, self.seconds, self.kept = 0, 0.0, False
        self.assigning = 0.0
        self.history: list[EpochDone] = []
        self.threads: list[int] = []
        self.pieces = MicroBatches()

    @property
    def total(self) -> int:
        """Steps of the whole training."""
        return self.epochs * self.steps_per_epoch

    @property
    def epoch(self) -> int:
        """Whole epochs done, each measured and told."""
        return len(self.history)

    @property
    def epoch_end(self) -> int:
        """Steps done at the end of the epoch under way."""
        return (self.epoch + 1) * self.steps_per_epoch

    @property
    def is_over(self) -> bool:
        """Whether every epoch is done."""
        return self.epoch >= self.epochs

    def told(self, sums: Tensor, *, waits: bool) -> Step:
        """The step that is done, with its epoch's mean loss so far.

        Args:
            sums: float64 (2,), of the epoch under way, the losses first.
            waits: whether reading them makes a device wait; then few steps have a loss.
        """
        if waits and self.step != self.epoch_end and self.step % LOOK_EVERY:
            return Step(done=self.step, total=self.total)
        here = self.step - self.epoch * self.steps_per_epoch
        return LossStep(done=self.step, total=self.total, loss=float(sums[0]) / here)

    def note_epoch(
        self,
        *,
        loss: float,
        train_accuracy: float,
        clean_accuracy: float,
        noisy_accuracy: float,
        rate: float,
        seen: int,
        measuring: float,
        probes: tuple[ProbeRadius, ...],
        sigmas: SigmaSpread | None = None,
    ) -> EpochDone:
        """The epoch under way as done; `measuring` are the seconds after its last step."""
        seconds = self.seconds + measuring
        spent = seconds + sum(epoch.seconds for epoch in self.history)
        left = self.epochs - self.epoch - 1
        done = EpochDone(
            done=self.epoch_end,
            total=self.total,
            epoch=self.epoch + 1,
            epochs=self.epochs,
            loss=loss,
            train_accuracy=train_accuracy,
            clean_accuracy=clean_accuracy,
            noisy_accuracy=noisy_accuracy,
            learning_rate=rate,
            seconds=seconds,
            images_per_second=seen / max(self.seconds, 1e-9),
            eta=left * spent / (self.epoch + 1),
            probes=probes,
            sigmas=sigmas,
            assigning=self.assigning,
        )
        self.history.append(done)
        self.seconds = self.assigning = 0.0
        return done

    def as_json(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        return {
            "format": _FORMAT,
            "step": self.step,
            "epochs": self.epochs,
            "seconds": self.seconds,
            "assigning": self.assigning,
            "threads": self.threads,
            "pieces": self.pieces.log,
            "history": [to_json(epoch) for epoch in self.history],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what a checkpoint holds.

        Raises:
            CheckpointError: another version of the trainer wrote it.
        """
        if state.get("format") != _FORMAT:
            raise CheckpointError(
                f"the checkpoint was written by another version (format {state.get('format', 1)}, "
                f"this one reads {_FORMAT}): start anew, or resume with the version that wrote it."
            )
        self.step, self.seconds = state["step"], state["seconds"]
        self.assigning = state.get("assigning", 0.0)  # older versions had none
        self.threads = list(state["threads"])
        self.pieces.log = [list(change) for change in state["pieces"]]
        self.history = [from_json(EpochDone, epoch) for epoch in state["history"]]
        self.kept = True

    def facts(self) -> dict[str, Any]:
        """What belongs beside the weights."""
        facts: dict[str, Any] = {"threads": self.threads, "epochs_done": self.epoch}
        if self.pieces.log:
            facts["micro_batches"] = self.pieces.log
        if self.history:
            last = self.history[-1]
            facts |= {
                "loss": last.loss,
                "clean_accuracy": last.clean_accuracy,
                "noisy_accuracy": last.noisy_accuracy,
            }
        return facts
