"""What a reply of the compute process means here: its answer, or its error."""

from typing import Any

from rs_core.errors import RsError


class WorkerError(RsError):
    """The compute process refused or failed; the message is one sentence for the page.

    `kind` is the name of the engine's error ("ImageError", "ParameterError", ...), or
    "WorkerError" where the process itself did not answer.
    """

    def __init__(self, message: str, kind: str = "WorkerError") -> None:
        super().__init__(message)
        self.kind = kind


def opened(reply: dict[str, Any]) -> dict[str, Any]:
    """The answer in a reply.

    Raises:
        WorkerError: the reply holds an error instead.
    """
    if "error" in reply:
        raise WorkerError(reply["error"]["message"], reply["error"]["kind"])
    answer: dict[str, Any] = reply["ok"]
    return answer
