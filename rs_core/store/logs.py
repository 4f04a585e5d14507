"""`rs.log`: what to send with a bug report."""

import logging
from logging.handlers import RotatingFileHandler, WatchedFileHandler
from pathlib import Path

from rs_core.store.home import private_folder

LOG_NAME = "rs.log"
_BYTES = 1_000_000
_KEPT = 3
_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


def log_to_file(home: Path, *, logger: str = "", rotates: bool = True) -> logging.Handler:
    """The handler that now writes what this process logs to `home`/rs.log.

    Args:
        home: the folder of the run store.
        logger: whose records; all by default, and Python's warnings with them.
        rotates: True for the one process that starts a new file at 1 MB (three are kept); the
            others notice and follow.
    """
    path = private_folder(home) / LOG_NAME
    handler: logging.Handler = (
        RotatingFileHandler(path, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8")
        if rotates
        else WatchedFileHandler(path, encoding="utf-8")
    )
    handler.setFormatter(logging.Formatter(_FORMAT))
    log = logging.getLogger(logger)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    if not logger:
        logging.captureWarnings(capture=True)
    return handler
