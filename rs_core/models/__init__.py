"""Networks by name, and their weights files."""

from rs_core.models.registry import MODELS, build_network, check_architecture, torchvision_names
from rs_core.models.weights import (
    WEIGHTS,
    bundled_names,
    bundled_stems,
    load_model,
    read_spec,
    save_model,
)

__all__ = [
    "MODELS",
    "WEIGHTS",
    "build_network",
    "bundled_names",
    "bundled_stems",
    "check_architecture",
    "load_model",
    "read_spec",
    "save_model",
    "torchvision_names",
]
