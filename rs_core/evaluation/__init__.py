"""Certification logs and what they say: certified accuracy, average radius, inferred alpha."""

from rs_core.evaluation.columns import COLUMNS, PREDICTION_COLUMNS
from rs_core.evaluation.logs import LogRow, read_log, row_from_certificate, write_log
from rs_core.evaluation.origin import Origin
from rs_core.evaluation.predictions import write_predictions
from rs_core.evaluation.scores import (
    average_certified_radius,
    certified_accuracy,
    index_set,
    infer_alpha,
)

__all__ = [
    "COLUMNS",
    "PREDICTION_COLUMNS",
    "LogRow",
    "Origin",
    "average_certified_radius",
    "certified_accuracy",
    "index_set",
    "infer_alpha",
    "read_log",
    "row_from_certificate",
    "write_log",
    "write_predictions",
]
