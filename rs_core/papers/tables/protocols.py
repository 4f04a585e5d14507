"""Trainings that several tables share, as JSON values, and how they are made shorter."""

from typing import Any

from rs_core.papers.table import Choice, Training
from rs_core.results import to_json
from rs_core.training.recipes.preset import CIFAR_MEAN, CIFAR_STD, GREY, RAW
from rs_core.training.recipes.presets import PRESETS

Settings = dict[str, Any]

# What a preset's optimiser is; sigma and what else a row changes is the row's.
_OPTIMISER = (
    "epochs", "batch_size", "learning_rate", "schedule", "drops", "momentum", "nesterov",
    "weight_decay", "decay_all", "weight_average",
)  # fmt: skip


def of_preset(name: str, *more: str) -> Settings:
    """The optimiser of a paper's preset and more of its settings, as JSON values."""
    known = to_json(PRESETS[name].recipe)
    return {setting: known[setting] for setting in (*_OPTIMISER, *more)}


LENET_LOGS = of_preset("cohen-mnist-s025", "augment", "precision")
SALMAN = of_preset("smoothadv-cifar10", "attack", "eps_warm_up")
MACER = of_preset("macer-cifar10-s025", "noises", "beta", "gamma", "clip")
# 200 epochs (DDRS, section 4); rate, drops and batch are Cohen's, for the paper names none.
COHEN_200 = of_preset("ddrs-cifar10-s025")

# A small size: a rate that rises and falls once reaches in ten epochs what steps need ninety for.
QUICK: Settings = {"schedule": "one-cycle", "learning_rate": 0.05, "batch_size": 128}

CIFAR: Settings = {"mean": CIFAR_MEAN, "std": CIFAR_STD}


def lenet(recipe: str, settings: Settings, images: int | None = None) -> Training:
    """A training of LeNet 20-50-500 on MNIST."""
    return Training(Choice(recipe, settings), "lenet", "mnist", images, **GREY)


def small_cifar(recipe: str, settings: Settings, images: int) -> Training:
    """A training of conv4 on some CIFAR-10 images."""
    return Training(Choice(recipe, QUICK | settings), "conv4", "cifar10", images, **CIFAR)


def cifar_network(
    architecture: str, recipe: str, settings: Settings, after: Training | None = None
) -> Training:
    """A training on all of CIFAR-10; MACER's has no normalisation."""
    norm = RAW if recipe == "macer" else CIFAR
    return Training(Choice(recipe, settings), architecture, "cifar10", after=after, **norm)
