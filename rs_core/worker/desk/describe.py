"""What can be asked: forms, networks, samples, devices."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any, TypeVar

import torch

from rs_core import __version__
from rs_core.assets import samples
from rs_core.attacks import ATTACKS, Confirm
from rs_core.experiments import Compare
from rs_core.experiments.sandwich import MakeSandwiches
from rs_core.fields import describe_fields, first_line
from rs_core.guarantees import GUARANTEES
from rs_core.models import bundled_names, read_spec
from rs_core.models.registry import MODELS
from rs_core.results import to_json
from rs_core.selectors import SELECTORS
from rs_core.training import RECIPES
from rs_core.worker.datasets import offered_sets, trainable_sets
from rs_core.worker.papers.config import PaperOptions, offered_tables
from rs_core.worker.papers.family import PAPER
from rs_core.worker.pictures import sample_thumbnail
from rs_core.worker.tasks.base import TASKS, guarantee_fields, selector_fields
from rs_core.worker.tasks.study import STUDIES
from rs_core.worker.training.config import TrainOptions, recipe_fields
from rs_core.worker.training.family import TRAIN

_OF_ATTACKS = ("about", "gradient_free", "needs_noise")
_LOG = logging.getLogger(__name__)
T = TypeVar("T")

_FORMS: dict[str, type] = {
    **TASKS,
    "compare": Compare,
    "sandwich": MakeSandwiches,
    "confirm": Confirm,
    **STUDIES,
    TRAIN: TrainOptions,
    PAPER: PaperOptions,
}


def describe() -> dict[str, Any]:
    """Everything that a page needs to build its forms, as JSON values."""
    described: dict[str, Any] = to_json(
        {
            "models": _each(bundled_names(), lambda name: replace(read_spec(name), name=name)),
            "samples": _each(
                samples().values(),
                lambda sample: asdict(sample) | {"thumbnail": sample_thumbnail(sample.name)},
            ),
            "forms": {kind: describe_fields(task) for kind, task in _FORMS.items()},
            "sets": offered_sets(),
            "selectors": {name: selector_fields(name) for name in SELECTORS},
            "attacks": {
                name: {fact: getattr(kind, fact) for fact in _OF_ATTACKS}
                | {"fields": describe_fields(kind)}
                for name, kind in ATTACKS.items()
            },
            "guarantees": {
                name: {"badge": kind.badge, "fields": guarantee_fields(name)}
                for name, kind in GUARANTEES.items()
            },
            "recipes": {
                name: {
                    "about": first_line(kind),
                    "fields": recipe_fields(name),
                    "needs_base": kind.needs_base,
                }
                for name, kind in RECIPES.items()
            },
            "networks": list(MODELS),
            "trainable_sets": trainable_sets(),
            "tables": offered_tables(),
            "devices": devices(),
            "version": __version__,
        }
    )
    return described


def _each(items: Iterable[T], shown: Callable[[T], Any]) -> list[Any]:
    """What is shown of each; one that cannot be read is told to the log, and fails no list."""
    found = []
    for item in items:
        try:
            found.append(shown(item))
        except Exception:  # a damaged file may make its reader raise anything
            _LOG.exception("%s of this installation cannot be read", item)
    return found


def devices() -> list[str]:
    """Names that `device` takes on this machine."""
    return ["auto", "cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
