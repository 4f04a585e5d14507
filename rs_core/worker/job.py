"""A run that is open in this process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rs_core.events import Step, Stream
from rs_core.store import OPEN, Claim, Progress
from rs_core.worker.steps import step_json


@dataclass(eq=False)
class Job:
    """A run, its stream and what is known of it so far.

    Fields:
        id, owner: as in the run store.
        open_stream: loads what the run needs and starts its stream; called in its first turn.
        claim: the right to compute it.
        lasting: whether it goes on when nobody follows it.
        working_folder: below the run's folder; deleted once there is a result, "" for none.
        about: what was asked, for those who follow.
        followed: when somebody last asked for it, on the bench's clock.
        effort: CPU seconds spent on it here.
        progress: its state, as the run store keeps it.
        done, total: of the latest step.
        step: the latest step that shows something, as JSON values.
        result: as JSON values, once finished.
    """

    id: str
    owner: str
    open_stream: Callable[[], Stream[Any]]
    claim: Claim
    lasting: bool = False
    working_folder: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    followed: float = 0.0
    effort: float = 0.0
    progress: Progress = field(default_factory=Progress)
    done: int = 0
    total: int = 0
    step: dict[str, Any] | None = None
    result: Any = None
    stream: Stream[Any] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is neither finished, failed nor cancelled."""
        return self.progress.state in OPEN

    def note(self, step: Step) -> None:
        """Remember a step for those who follow."""
        self.done, self.total = step.done, step.total
        shown = step_json(step)
        if shown is not None:
            self.step = shown
