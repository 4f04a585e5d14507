"""What the opener must know of a kind of run: how it is asked, and how it begins."""

from typing import Any, NamedTuple, Protocol

from rs_core.events import Stream
from rs_core.store import Run
from rs_core.worker.asking import Question


class Asked(NamedTuple):
    """A question that was understood: its content's key, a title, and all that repeats it."""

    key: str
    title: str
    request: dict[str, Any]


class Family(Protocol):
    """Kinds of run that are asked and begun alike.

    Attributes:
        working_folder: below a run's folder, where a run of this family keeps what it goes on
            from, whatever happens; "" for runs that begin anew and that nobody waits for.
    """

    working_folder: str

    def asked(self, question: Question) -> Asked:
        """The question, checked and counted.

        Raises:
            RsError: it cannot be answered; one sentence says why.
        """
        ...

    def stream(self, run: Run) -> Stream[Any]:
        """The run's steps and its result, as JSON or as a result of the engine."""
        ...

    def about(self, run: Run) -> dict[str, Any]:
        """What was asked, without what is large: enough to fill a form again."""
        ...

    def questions(self, owner: str, asked: dict[str, Any]) -> tuple[int, float, int]:
        """(how many questions of its subject were asked, the sum of their risks, looks at it)."""
        ...

    def left(self, run: Run) -> dict[str, Any] | None:
        """What a run that ended without a result left to be seen; None for nothing."""
        ...
