"""What a training has shown and what came of it: numbers that a page draws, without torch."""

import math
from dataclasses import dataclass

from rs_core.results import ModelSpec


@dataclass(frozen=True)
class SigmaSpread:
    """How the sigmas of a training's images are distributed after an epoch; pixels of [0,1].

    Fields:
        low, high: smallest and largest sigma that an image can have.
        counts: images in bins of equal width from low to high.
        mean: over the images.
        levels: how many different sigmas there are.
        smallest, largest: (index of the training image, sigma) of the outermost images, at most
            eight each, the outermost first.
    """

    low: float
    high: float
    counts: tuple[int, ...]
    mean: float
    levels: int
    smallest: tuple[tuple[int, float], ...]
    largest: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Epoch:
    """Figures of one epoch.

    Fields:
        epoch: its number, from 1.
        loss: mean training loss.
        train_accuracy: share of noisy training images classified correctly, 0..1.
        clean_accuracy, noisy_accuracy: of the averaged weights on images that are not trained
            on, each once, without noise and with the recipe's noise, 0..1.
        learning_rate: at the epoch's last step.
        seconds: wall time of the epoch; other runs may have had turns in it.
        images_per_second: of the training part alone.
        sigmas: how the images' own sigmas are distributed; None where they have none of their own.
        assigning: seconds of the epoch that went into assigning them.
    """

    epoch: int
    loss: float
    train_accuracy: float
    clean_accuracy: float
    noisy_accuracy: float
    learning_rate: float
    seconds: float
    images_per_second: float
    sigmas: SigmaSpread | None = None
    assigning: float = 0.0


@dataclass(frozen=True)
class ProbePoint:
    """An image certified on the network of one epoch.

    Fields:
        epoch: after which epoch, from 1.
        predicted: the certified class, None where the certificate abstains.
        lower: the certified radius, 0 where it abstains; pixels of [0,1].
        most: what more copies could at most certify, of whatever class; NaN where all voted alike,
            so that nothing limits it, and in points of older versions, which bounded one class.
    """

    epoch: int
    predicted: int | None
    lower: float
    most: float = math.nan


@dataclass(frozen=True)
class Probe:
    """An image that is certified again after every epoch.

    Fields:
        image: the worker's id of it.
        name: for people.
        label: its true class, None if unknown.
        points: one per epoch that was looked at.
    """

    image: str
    name: str
    label: int | None
    points: tuple[ProbePoint, ...] = ()


@dataclass(frozen=True)
class Course:
    """What a training has shown so far.

    Every end of every probe's band pays an equal part of `alpha`, over all the probes and all
    the epochs that were asked for: together they hold with probability 1 - alpha. A point
    concerns the network of its epoch, and no other one.

    Fields:
        epochs: the figures of those that are done.
        planned: how many epochs were asked for.
        probes: images whose radii are followed.
        sigma: noise of the probes' certificates, pixels of [0,1].
        n: copies that certify each point.
        alpha: error of all points together.
    """

    epochs: tuple[Epoch, ...]
    planned: int
    probes: tuple[Probe, ...] = ()
    sigma: float = 0.0
    n: int = 0
    alpha: float = 0.0


@dataclass(frozen=True)
class Confusion:
    """How often images of a class (row) were given each answer (column).

    Fields:
        noise: sigma of the one noisy copy that was shown of each image, 0 for the image itself.
        counts: (K)(K); a row is short where logits were not finite.
    """

    noise: float
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class TrainingOutcome:
    """A finished training.

    Fields:
        model: the name under which its owner's other runs know the network.
        spec: what the network is.
        course: how it came about.
        measured_on: which images the accuracies and the confusions are of.
        confusions: without noise, and with the noise of the training.
        stopped: why it ended before its last epoch; "" where it did not.
    """

    model: str
    spec: ModelSpec
    course: Course
    measured_on: str
    confusions: tuple[Confusion, ...]
    stopped: str = ""
