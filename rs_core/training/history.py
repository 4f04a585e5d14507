"""What a training reports and returns."""

from dataclasses import dataclass

from torch import nn

from rs_core.events import Step
from rs_core.results import ModelSpec


@dataclass(frozen=True)
class EpochDone(Step):
    """One epoch's figures; `done` and `total` count optimiser steps.

    Fields:
        epoch, epochs: 1-based number of this epoch, and how many there will be.
        loss: mean training loss.
        train_accuracy: share of noisy training images classified correctly, 0..1.
        clean_accuracy, noisy_accuracy: of the averaged weights on the held-out images, each
            image once, without noise and with the recipe's noise, 0..1.
        learning_rate: at the epoch's last step.
        seconds: wall time of the epoch, measuring included.
        images_per_second: of the training part alone.
    """

    epoch: int
    epochs: int
    loss: float
    train_accuracy: float
    clean_accuracy: float
    noisy_accuracy: float
    learning_rate: float
    seconds: float
    images_per_second: float


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network, in eval mode on the CPU, with its description and its epochs."""

    module: nn.Module
    spec: ModelSpec
    history: tuple[EpochDone, ...]
