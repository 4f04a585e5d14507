"""RS Lab's engine: per-sample randomized smoothing, every number with its guarantee.

Public names load on first use, so that `import rs_core` is cheap and the torch-free rooms
(`errors`, `fields`, `events`, `results`, `statistics`, `plots`) can be used alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rs_core.allocator import keep_freed_memory
    from rs_core.api import (
        attack,
        certify,
        certify_sequential,
        predict,
        sandwich,
        select,
        sweep,
    )
    from rs_core.attacks import ATTACKS, Confirm
    from rs_core.classifiers import Classifier, load_classifier
    from rs_core.datasets import load_dataset
    from rs_core.errors import RsError
    from rs_core.evaluation import average_certified_radius, certified_accuracy
    from rs_core.events import Finished, drain
    from rs_core.experiments.sandwich import MakeSandwiches
    from rs_core.guarantees import GUARANTEES
    from rs_core.images import ImageInput, load_image
    from rs_core.logs import read_log, write_log
    from rs_core.models import MODELS
    from rs_core.results import Certificate, ModelSpec, Prediction, RadiusCurve, Selection
    from rs_core.results.attack import AttackResult
    from rs_core.results.sandwich import Sandwich
    from rs_core.seeding import drawn_seed
    from rs_core.selectors import SELECTORS
    from rs_core.smoothing import Certify, Sweep
    from rs_core.training import RECIPES

__version__ = "0.1.0"

_HOMES = {
    "ATTACKS": "rs_core.attacks",
    "AttackResult": "rs_core.results.attack",
    "Certificate": "rs_core.results",
    "Certify": "rs_core.smoothing",
    "Classifier": "rs_core.classifiers",
    "Confirm": "rs_core.attacks",
    "Finished": "rs_core.events",
    "GUARANTEES": "rs_core.guarantees",
    "ImageInput": "rs_core.images",
    "MODELS": "rs_core.models",
    "MakeSandwiches": "rs_core.experiments.sandwich",
    "ModelSpec": "rs_core.results",
    "Prediction": "rs_core.results",
    "RECIPES": "rs_core.training",
    "RadiusCurve": "rs_core.results",
    "RsError": "rs_core.errors",
    "SELECTORS": "rs_core.selectors",
    "Sandwich": "rs_core.results.sandwich",
    "Selection": "rs_core.results",
    "Sweep": "rs_core.smoothing",
    "attack": "rs_core.api",
    "average_certified_radius": "rs_core.evaluation",
    "certified_accuracy": "rs_core.evaluation",
    "certify": "rs_core.api",
    "certify_sequential": "rs_core.api",
    "drain": "rs_core.events",
    "drawn_seed": "rs_core.seeding",
    "keep_freed_memory": "rs_core.allocator",
    "load_classifier": "rs_core.classifiers",
    "load_dataset": "rs_core.datasets",
    "load_image": "rs_core.images",
    "predict": "rs_core.api",
    "read_log": "rs_core.logs",
    "sandwich": "rs_core.api",
    "select": "rs_core.api",
    "sweep": "rs_core.api",
    "write_log": "rs_core.logs",
}

__all__ = [
    "ATTACKS",
    "GUARANTEES",
    "MODELS",
    "RECIPES",
    "SELECTORS",
    "AttackResult",
    "Certificate",
    "Certify",
    "Classifier",
    "Confirm",
    "Finished",
    "ImageInput",
    "MakeSandwiches",
    "ModelSpec",
    "Prediction",
    "RadiusCurve",
    "RsError",
    "Sandwich",
    "Selection",
    "Sweep",
    "attack",
    "average_certified_radius",
    "certified_accuracy",
    "certify",
    "certify_sequential",
    "drain",
    "drawn_seed",
    "keep_freed_memory",
    "load_classifier",
    "load_dataset",
    "load_image",
    "predict",
    "read_log",
    "sandwich",
    "select",
    "sweep",
    "write_log",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rs_core' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
