"""What a run will cost, as the worker counts it before it starts, or why it would be refused."""

from dataclasses import dataclass
from typing import Any

from rs_ui.client.worker import WorkerError
from rs_ui.runs import run, session
from rs_ui.runs.changed import RunRequest

_UNANSWERED = ("WorkerError", "StoreError")  # not about what was asked: the next rerun asks again


@dataclass(frozen=True)
class Price:
    """What the worker says of a run; nothing where it did not answer, and then a start may.

    Fields:
        passes: forward passes at most; 0 where they are not known.
        levels: of a selector, how many sigmas it can answer; 0 where they are no list.
        refusal: the sentence that a start would be refused with; "" for none.
    """

    passes: int = 0
    levels: int = 0
    refusal: str = ""


def price_of(
    place: str, kind: str, model: str, config: dict[str, Any] | None, count: int = 1
) -> Price:
    """The price of these settings, asked again only when they change.

    Args:
        place: under which name the answer is kept, of this session.
        kind, model, config: as a start names them, or "select" for a selector alone; a config of
            None has no price.
        count: how many images.
    """
    if config is None:
        return Price()

    def ask() -> Price:
        try:
            return Price(**run.call("price", kind=kind, model=model, config=config, count=count))
        except WorkerError as error:
            if error.kind in _UNANSWERED:
                raise
            return Price(refusal=str(error))

    name = f"price_{place}"
    found = run.cached_call(name, (kind, model, config, count), ask)
    if isinstance(found, Price):
        return found
    session.remember(name, None)
    return Price()


def price_of_run(wanted: RunRequest | None) -> Price:
    """The price of what the button would start; nothing where that is nothing."""
    if wanted is None:
        return Price()
    kind, count = wanted.kind, len(wanted.images)
    return price_of(kind, kind, wanted.subject.model, wanted.config, count)
