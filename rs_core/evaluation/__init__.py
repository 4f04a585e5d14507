"""What labelled runs and certification logs say: certified accuracy, average radius, alpha."""

from rs_core.evaluation.scores import (
    average_certified_radius,
    certified_accuracy,
    index_set,
    infer_alpha,
)

__all__ = ["average_certified_radius", "certified_accuracy", "index_set", "infer_alpha"]
