"""Networks that may vote: prepared, probed, named, on one device in one precision."""

from rs_core.classifiers.classifier import Classifier
from rs_core.classifiers.loading import load_classifier

__all__ = ["Classifier", "load_classifier"]
