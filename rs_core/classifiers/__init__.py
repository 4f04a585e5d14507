"""Networks that may vote: prepared, probed, named, on one device in one precision."""

from rs_core.classifiers.classifier import (
    Classifier,
    load_classifier,
)

__all__ = ["Classifier", "load_classifier"]
