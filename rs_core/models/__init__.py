"""Networks by name, and their weights files."""

from rs_core.models.registry import MODELS, build_network, torchvision_names
from rs_core.models.weights import WEIGHTS, bundled_names, load_model, read_spec, save_model

__all__ = [
    "MODELS",
    "WEIGHTS",
    "build_network",
    "bundled_names",
    "load_model",
    "read_spec",
    "save_model",
    "torchvision_names",
]
