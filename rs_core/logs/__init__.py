"""Tab-separated tables that other programs read, Cohen's certification log first among them."""

from rs_core.logs.certificates import LogRow, read_log, row_from_certificate, write_log
from rs_core.logs.columns import COLUMNS, PREDICTION_COLUMNS
from rs_core.logs.origin import Origin
from rs_core.logs.predictions import write_predictions

__all__ = [
    "COLUMNS",
    "PREDICTION_COLUMNS",
    "LogRow",
    "Origin",
    "read_log",
    "row_from_certificate",
    "write_log",
    "write_predictions",
]
