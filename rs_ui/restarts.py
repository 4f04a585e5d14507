"""When a process that dies may be started again."""

import time
from collections import deque

from rs_ui.replies import WorkerError

MAX_DEATHS = 5
_MINUTE = 60.0


class Restarts:
    """Counts deaths: the first is forgiven at once, each further one within a minute waits.

    `WAIT` is the unit of those waits in seconds.
    """

    WAIT = 0.25

    def __init__(self) -> None:
        self._deaths: deque[float] = deque(maxlen=MAX_DEATHS)

    def count_death(self) -> None:
        """The process died just now."""
        self._deaths.append(time.monotonic())

    def delay(self) -> float:
        """Seconds to wait before the next start.

        Raises:
            WorkerError: it died too often within a minute.
        """
        recent = sum(time.monotonic() - death < _MINUTE for death in self._deaths)
        if recent >= MAX_DEATHS:
            raise WorkerError(
                f"the compute process ended {MAX_DEATHS} times within a minute: wait a minute, "
                "and look into rs.log if it happens again."
            )
        return 0.0 if recent < 2 else self.WAIT * 2.0**recent
