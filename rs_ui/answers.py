"""An answer of the worker, kept while the question stays the same."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from rs_ui import caching, pictures, refusals, session
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
            if error.kind == "StoreError":  # a full disk may have room at the next rerun
                return held[1]
        session.remember(name, held)
    return held[1]


def own_seed() -> int:
    """The seed that was drawn for this browser's noise, at its first visit.

    Raises:
        WorkerError: the worker cannot be reached.
    """
    held = session.remembered("own_seed")
    if held is None:
        held = int(call("seed")["seed"])
        session.remember("own_seed", held)
    return int(held)


def call(verb: str, **fields: Any) -> dict[str, Any]:
    """The worker's answer to this session's owner.

    Raises:
        WorkerError: the request was refused, or the worker cannot be reached.
    """
    return caching.worker().call(verb, owner=session.owner(), **fields)


def start(**fields: Any) -> dict[str, Any]:
    """The worker's answer to a start about one image; one that is not kept is handed in again.

    Raises:
        WorkerError: it was refused.
    """
    try:
        return call("start", **fields)
    except WorkerError as error:
        if error.kind != "NotFoundError":
            raise
        sentence = pictures.keep_again(fields["image"])
        if sentence is not None:
            raise WorkerError(f"the image is not kept any more: {sentence}") from None
    return call("start", **fields)


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
        if error.kind == "NotFoundError":  # whatever is not kept any more is handed in again
            session.forget("decoded")
        refusals.keep(page, str(error))
        return None
    refusals.keep(page, None)
    return str(reply["job"])
