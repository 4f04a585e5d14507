"""An answer of the worker, kept while the question stays the same."""

from collections.abc import Callable
from typing import Any

from rs_ui import caching, session
from rs_ui.jobs import WorkerError


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
