"""What makes a training this training: facts that a resumed run must share."""

import dataclasses
import math
from hashlib import sha256
from typing import Any

import numpy as np

from rs_core.datasets import Dataset
from rs_core.errors import CheckpointError, ParameterError
from rs_core.fields import settings_of
from rs_core.results import ModelSpec, to_json
from rs_core.training.settings import TrainingSettings


def fitted_spec(spec: ModelSpec, data: Dataset) -> ModelSpec:
    """The spec with `mean` and `std` measured on the data where it had none.

    Raises:
        ParameterError: images, labels or classes do not fit the spec.
    """
    if not len(data):
        raise ParameterError(f"{data.name} has no images to train on: choose another split.")
    height, width, channels = data.images.shape[1:]
    if (channels, height, width) != tuple(spec.input_shape):
        raise ParameterError(
            f"{data.name} has {channels}x{height}x{width} images but the network takes "
            f"{'x'.join(map(str, spec.input_shape))}: give the model that input shape."
        )
    if len(data.class_names) != len(spec.class_names):
        raise ParameterError(
            f"{data.name} has {len(data.class_names)} classes but the network "
            f"{len(spec.class_names)}: give the model the data's class names."
        )
    _check_labels(data)
    if spec.mean or spec.std:
        if not len(spec.mean) == len(spec.std) == channels or min(spec.std) <= 0:
            raise ParameterError(
                f"mean={spec.mean} and std={spec.std} do not fit {channels} channels: give "
                "one number each per channel, std above 0, or leave both empty (a preset's are "
                "those of its own data set)."
            )
        return spec
    mean, std = pixel_statistics(data.images)
    return dataclasses.replace(spec, mean=mean, std=std)


def _check_labels(data: Dataset) -> None:
    """Refuse labels that do not fit the images or the classes."""
    labels, classes = np.asarray(data.labels), len(data.class_names)
    if len(labels) != len(data.images):
        raise ParameterError(
            f"{data.name} has {len(labels)} labels for {len(data.images)} images: give one each."
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise ParameterError(
            f"{data.name} has labels from {labels.min()} to {labels.max()}, its {classes} classes "
            f"allow 0 to {classes - 1}: correct the labels."
        )
    if labels.min() == labels.max():
        raise ParameterError(
            f"{data.name} shows one class only ({data.class_names[int(labels[0])]}): a network "
            "needs two or more to tell apart."
        )


def pixel_statistics(images: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel of uint8 (N, H, W, C), pixels of [0,1], 4 digits.

    Counted exactly from the 256 possible values; a constant channel gets std 1.
    """
    levels = np.arange(256) / 255
    means, stds = [], []
    for channel in range(images.shape[-1]):
        share = np.bincount(images[..., channel].ravel(), minlength=256) / images[..., 0].size
        mean = float(share @ levels)
        std = round(math.sqrt(max(float(share @ levels**2) - mean**2, 0.0)), 4)
        means.append(round(mean, 4))
        stds.append(std or 1.0)
    return tuple(means), tuple(stds)


def data_digest(data: Dataset) -> str:
    """sha256 (hex) of images, labels, targets and their order."""
    digest = sha256(repr(data.images.shape).encode())
    digest.update(np.ascontiguousarray(data.images).data)
    digest.update(np.ascontiguousarray(data.labels, dtype=np.int64).data)
    if data.targets is not None:
        digest.update(np.ascontiguousarray(data.targets, dtype=np.float32).data)
    return digest.hexdigest()


def training_identity(
    recipe: TrainingSettings, spec: ModelSpec, digest: str, seed: int, device: str, bf16: bool
) -> dict[str, Any]:
    """json values that two runs share exactly when the one may continue the other."""
    facts = {
        "recipe": type(recipe).__name__,
        **settings_of(recipe),
        "architecture": spec.architecture,
        "options": spec.options,
        "input_shape": spec.input_shape,
        "classes": len(spec.class_names),
        "mean": spec.mean,
        "std": spec.std,
        "data": digest,
        "seed": seed,
        "device": device,
        "precision": "bf16" if bf16 else "fp32",
    }
    shared: dict[str, Any] = to_json(facts)
    return shared


def check_identity(saved: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse a checkpoint of another training.

    Raises:
        CheckpointError: names every fact that differs, saved against asked for.
    """
    names = sorted(saved.keys() | wanted.keys())
    differing = [n for n in names if saved.get(n) != wanted.get(n)]
    if "recipe" in differing:  # the others follow from it
        raise CheckpointError(
            f"the checkpoint belongs to a training by {saved.get('recipe')}, not by "
            f"{wanted['recipe']}: resume with its recipe, or choose another folder."
        )
    if differing:
        listed = ", ".join(f"{n} {saved.get(n)!r} against {wanted.get(n)!r}" for n in differing)
        raise CheckpointError(
            f"the checkpoint belongs to another training ({listed}): "
            "resume with its settings, or choose another folder."
        )
