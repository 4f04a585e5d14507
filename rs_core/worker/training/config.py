"""What a training is asked for, built from JSON values with every field checked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from rs_core.errors import ParameterError, UnknownNameError
from rs_core.fields import NAME, FieldDescription, check_params, describe_fields, param, settings_of
from rs_core.models import build_network
from rs_core.models.registry import MODELS
from rs_core.results import ModelSpec, to_json
from rs_core.training import RECIPES, Recipe
from rs_core.training.probes import MOST_PROBES
from rs_core.worker.datasets import bare_spec, training_size
from rs_core.worker.requests import shortened
from rs_core.worker.settings import built

MAX_EPOCHS = 1000  # every step tells the figures of all epochs so far
_APART = ("settings", "probes", "labels")


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What is trained on what, for how long, and how its probe images are certified."""

    dataset: str = param("mnist5k", help="data set to learn from")
    architecture: str = param("conv4", help="network to train")
    recipe: str = param("gaussian", help="which noise, and which loss", choices=tuple(RECIPES))
    base: str = param("", help="network whose radii teach, for the recipe dual_rs", later=True)
    minutes: float = param(
        0.0, help="time after which it ends with the epoch under way, 0 for none", unit="minutes",
        low=0, high=100_000,
    )  # fmt: skip
    probe_n: int = param(
        500, help="copies that certify a probe image after each epoch", low=1, high=100_000
    )
    alpha: float = param(
        1e-3, help="risk of all points of all probe images together", low=0, low_open=True, high=0.5
    )

    def __post_init__(self) -> None:
        check_params(self)


@dataclass(frozen=True)
class TrainTask:
    """A checked training: its options, the recipe, and the images that are followed.

    `labels` are the probes' true classes, None where unknown.
    """

    options: TrainOptions
    recipe: Recipe
    probes: tuple[str, ...]
    labels: tuple[int | None, ...]

    @property
    def sigma(self) -> float:
        """The noise at which the probes are certified: the recipe's own."""
        return self.recipe.sigma

    @property
    def name(self) -> str:
        """The trained network's name, of letters that a file's name may have."""
        options, strength = self.options, f"s{round(100 * self.sigma):03d}"
        parts = (options.dataset, options.architecture, options.recipe, self.per_image, strength)
        return "-".join(part for part in parts if part)

    @property
    def per_image(self) -> str:
        """Who gives images sigmas of their own; "" for nobody."""
        found = settings_of(self.recipe).get("per_image") or {}
        return str(found.get(NAME, ""))

    def config(self) -> dict[str, Any]:
        """All settings, as JSON values that `train_task` takes."""
        own = settings_of(self.options)
        return own | {
            "settings": to_json(settings_of(self.recipe)),
            "probes": list(self.probes),
            "labels": list(self.labels),
        }


def recipe_fields(name: str) -> tuple[FieldDescription, ...]:
    """What may be set of a recipe.

    Raises:
        UnknownNameError: no such recipe.
    """
    if name not in RECIPES:
        raise UnknownNameError("recipe", name[:40], RECIPES)
    return tuple(
        replace(facts, high=MAX_EPOCHS) if facts.name == "epochs" else facts
        for facts in describe_fields(RECIPES[name])
    )


def train_task(config: Mapping[str, Any]) -> TrainTask:
    """The checked training of a config; settings left out have defaults.

    Raises:
        ParameterError, UnknownNameError, DataError: a setting is unknown, of another kind or out
            of its range, the network does not fit the set, or the set is not here.
    """
    known = [*TrainOptions.__dataclass_fields__, *_APART]
    for name in config:
        if name not in known:
            raise UnknownNameError("setting of a training", str(name)[:40], known)
    own = {name: value for name, value in config.items() if name not in _APART}
    options = built(TrainOptions, own, "a training")
    settings = config.get("settings") or {}
    if not isinstance(settings, dict):
        raise ParameterError(f"settings={shortened(settings)} must be an object.")
    allowed = recipe_fields(options.recipe)
    recipe = built(RECIPES[options.recipe], settings, options.recipe, fields=allowed)
    probes = _probes(config.get("probes") or [])
    spec = bare_spec(options.dataset)
    labels = _labels(config.get("labels"), len(probes), len(spec.class_names))
    if recipe.needs_base != bool(options.base):
        raise ParameterError(
            f"the recipe {options.recipe} learns from another network: choose one as base."
            if recipe.needs_base
            else f"base={shortened(options.base)}: the recipe {options.recipe} needs none."
        )
    if recipe.needs_base:  # its classes are sigmas, and the probes' labels are not
        labels = (None,) * len(probes)
    task = TrainTask(options, recipe, probes, labels)
    _check_fit(task, spec)
    return task


def _probes(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(one, str) and one for one in given):
        raise ParameterError(f"probes={shortened(given)} must be a list of image ids.")
    if len(set(given)) != len(given) or len(given) > MOST_PROBES:
        raise ParameterError(
            f"probes names {len(given)} images: the limit is {MOST_PROBES}, each once."
        )
    return tuple(given)


def _labels(given: Any, count: int, classes: int) -> tuple[int | None, ...]:
    if given is None:
        return (None,) * count
    known = isinstance(given, list) and all(
        one is None or (type(one) is int and 0 <= one < classes) for one in given
    )
    if not known or len(given) != count:
        raise ParameterError(
            f"labels={shortened(given)} must hold, for each probe image, a class from 0 to "
            f"{classes - 1} or null."
        )
    return tuple(given)


def _check_fit(task: TrainTask, spec: ModelSpec) -> None:
    """Refuse what the trainer could only refuse later, or would do in another way than asked."""
    options, recipe = task.options, task.recipe
    if options.architecture not in MODELS:
        raise UnknownNameError("network", options.architecture[:40], MODELS)
    images = training_size(options.dataset)
    if recipe.images_per_step > images:
        raise ParameterError(
            f"batch_size={recipe.batch_size} is larger than the {images:,} images of "
            f"{options.dataset} that are trained on: give at most that many."
        )
    if recipe.epochs > MAX_EPOCHS:
        raise ParameterError(
            f"epochs={recipe.epochs} is out of range: give at most {MAX_EPOCHS} here, or use "
            "rs train."
        )
    with torch.device("meta"):  # laid out, not filled: whether it can be built is all that counts
        build_network(options.architecture, spec.input_shape, len(spec.class_names))
