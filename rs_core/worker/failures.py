"""Why a computation failed, in a sentence for its owner."""

import logging

# oneDNN's words too: a network that voted when it was loaded fails there for want of memory only.
_LACK = ("allocate memory", "out of memory", "not enough memory", "could not create a primitive")
_LOG = logging.getLogger(__name__)


def sentence_of(error: Exception) -> str:
    """Why a run failed, for its owner; a bug's details go to the log."""
    if isinstance(error, MemoryError) or any(words in str(error).lower() for words in _LACK):
        return (
            "failed: memory: the computation needs more than this machine has; choose fewer noise "
            "levels, a smaller network or another device."
        )
    _LOG.error("a run met a bug", exc_info=error)
    return "failed: the computation met a bug; rs.log holds the details."
