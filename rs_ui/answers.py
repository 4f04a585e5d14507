"""An answer of the worker, kept while the question stays the same."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from rs_ui import caching, refusals, session
from rs_ui.jobs import WorkerError


class Asking(Protocol):
    """With which network, seed and device the sidebar asks."""

    @property
    def model(self) -> str:
        """The worker's name of the network."""

    @property
    def seed(self) -> int:
        """Of all noise."""

    @property
    def device(self) -> str:
        """Where to compute."""


def once(name: str, asked: tuple[Any, ...], ask: Callable[[], Any]) -> Any:
    """The answer, or the worker's refusal as a sentence; asked again only when `asked` changes."""
    key = (session.owner(), *asked)
    held = session.remembered(name)
    if held is None or held[0] != key:
        try:
            held = (key, ask())
        except WorkerError as error:
            held = (key, str(error))
        session.remember(name, held)
    return held[1]


def call(verb: str, **fields: Any) -> dict[str, Any]:
    """The worker's answer to this session's owner.

    Raises:
        WorkerError: the request was refused, or the worker cannot be reached.
    """
    return caching.worker().call(verb, owner=session.owner(), **fields)


def started(
    kind: str,
    page: str,
    subject: Asking,
    images: Sequence[str],
    config: dict[str, Any],
) -> str | None:
    """The run of a question about several images; None with the reason put aside for the page."""
    try:
        reply = call(
            "start", kind=kind, images=list(images), model=subject.model, config=config,
            seed=subject.seed, device=subject.device, precision="auto",
        )  # fmt: skip
    except WorkerError as error:
        refusals.keep(page, str(error))
        return None
    refusals.keep(page, None)
    return str(reply["job"])
