"""What a training reports and returns."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from rs_core.events import Step
from rs_core.results import Badge, ModelSpec
from rs_core.results.training import SigmaSpread


@dataclass(frozen=True)
class ProbeRadius:
    """What is certified of one probe image by the network of one epoch.

    Both ends hold at once for all probes and epochs of a training, at the level that its `Probes`
    declare: each pays its share `alpha`.

    Fields:
        name: of the image.
        label: its class where known.
        predicted: the certified class, None where the certificate abstains.
        radius: certified, 0 where it abstains; pixels of [0,1].
        radius_most: sigma PhiInv of an upper bound of every class's probability: what more draws
            could at most have certified; None where all copies agree, so that nothing limits it,
            and in epochs of older versions, which bounded one class alone.
        sigma: noise level, pixels of [0,1].
        n: copies drawn.
        alpha: share of the error that this band pays, half at each end.
        guarantee, statement: of the certificate; both concern the network of this epoch alone.
    """

    name: str
    label: int | None
    predicted: int | None
    radius: float
    sigma: float
    n: int
    alpha: float
    guarantee: Badge
    statement: str
    radius_most: float | None = None


@dataclass(frozen=True)
class ProbeDone(Step):
    """One probe image has been certified; `done` and `total` count optimiser steps.

    Fields:
        epoch: 1-based number of the epoch whose network it was.
        index: of the probe image.
        probe: its certificate and band.
    """

    epoch: int
    index: int
    probe: ProbeRadius


@dataclass(frozen=True)
class LossStep(Step):
    """An optimiser step is done; `loss` is the mean training loss of its epoch so far."""

    loss: float


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
        eta: seconds that the epochs to come will take, if they take what these took.
        probes: the certified probe images.
        sigmas: how the images' own sigmas are distributed; None where they have none of their own.
        assigning: seconds of the epoch that went into assigning them.
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
    eta: float = 0.0
    probes: tuple[ProbeRadius, ...] = ()
    sigmas: SigmaSpread | None = None
    assigning: float = 0.0


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network, in eval mode on the CPU, with its description and its epochs.

    `sigmas` are the training images' own, float32 (N,), where they have any.
    """

    module: nn.Module
    spec: ModelSpec
    history: tuple[EpochDone, ...]
    sigmas: np.ndarray | None = None
