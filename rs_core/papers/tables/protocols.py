"""Trainings that several tables share, as JSON values, and how they are made shorter."""

from typing import Any

from rs_core.papers.table import Choice, Training

Settings = dict[str, Any]

# SGD with momentum .9, weight decay 1e-4 on everything, no average of the weights: the field's.
_FIELD: Settings = {
    "schedule": "step", "momentum": 0.9, "nesterov": False, "weight_decay": 1e-4,
    "decay_all": True, "weight_average": 0.0,
}  # fmt: skip

# x.1 every 30 epochs; each drop is an epoch late, for their scheduler hears of it at its end.
LENET_LOGS: Settings = _FIELD | {
    "epochs": 90, "batch_size": 256, "learning_rate": 0.01, "drops": [31, 61], "augment": "none",
    "precision": "fp32",
}  # fmt: skip

SALMAN: Settings = _FIELD | {
    "epochs": 150, "batch_size": 256, "learning_rate": 0.1, "drops": [50, 100], "eps_warm_up": 10,
    "attack": "pgd",
}  # fmt: skip

MACER: Settings = _FIELD | {
    "epochs": 440, "batch_size": 64, "learning_rate": 0.01, "drops": [200, 400],
    "weight_decay": 5e-4, "noises": 16, "beta": 16.0, "gamma": 8.0, "clip": 0.0,
}  # fmt: skip

# 200 epochs (DDRS, section 4); rate, drops and batch are Cohen's, for the paper names none.
COHEN_200: Settings = _FIELD | {
    "epochs": 200, "batch_size": 400, "learning_rate": 0.1, "drops": [50, 100, 150],
}  # fmt: skip

# A small size: a rate that rises and falls once reaches in ten epochs what steps need ninety for.
QUICK: Settings = {"schedule": "one-cycle", "learning_rate": 0.05, "batch_size": 128}

GREY: Settings = {"mean": (0.0,), "std": (1.0,)}
CIFAR: Settings = {"mean": (0.4914, 0.4822, 0.4465), "std": (0.2023, 0.1994, 0.2010)}
RAW: Settings = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


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
