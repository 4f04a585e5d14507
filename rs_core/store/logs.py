"""`rs.log`: what to send with a bug report."""

import logging
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler, WatchedFileHandler
from pathlib import Path

from rs_core.durable import private_opener
from rs_core.store.home import private_folder

LOG_NAME = "rs.log"
_BYTES = 1_000_000
_KEPT = 3
_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


class _Private(logging.FileHandler):
    """A log that its user alone may read: it names images."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, opener=private_opener)


class _Rotating(_Private, RotatingFileHandler):
    pass


class _Watched(_Private, WatchedFileHandler):
    pass


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
        _Rotating(path, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8")
        if rotates
        else _Watched(path, encoding="utf-8")
    )
    handler.setFormatter(logging.Formatter(_FORMAT))
    log = logging.getLogger(logger)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    if not logger:
        logging.captureWarnings(capture=True)
    return handler
