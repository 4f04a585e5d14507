"""The questions that a run can ask, built from JSON values with every field checked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from rs_core import __version__
from rs_core.classifiers import Classifier
from rs_core.datasets import DATASETS
from rs_core.errors import ParameterError, UnknownNameError
from rs_core.events import Stream
from rs_core.fields import FieldDescription, describe_fields
from rs_core.guarantees import GUARANTEES, Guarantee
from rs_core.images import ImageInput
from rs_core.results import to_json
from rs_core.selectors import SELECTORS, Selector
from rs_core.smoothing import Certify, Predict, Sweep
from rs_core.statistics import add_risks
from rs_core.worker.requests import shortened
from rs_core.worker.settings import built

Task = Sweep | Certify | Predict
TASKS: dict[str, type[Sweep] | type[Certify] | type[Predict]] = {
    "sweep": Sweep,
    "certify": Certify,
    "predict": Predict,
}
# A step covers every sigma at once; more of them would make other people wait too long.
MAX_SIGMAS = 100


class Origin(NamedTuple):
    """Where several images come from: a data set in words, and their indices in it.

    "" and their positions where they come from no single set.
    """

    dataset: str
    indices: tuple[int, ...]


class Share(NamedTuple):
    """What a run asks of each of its images: how many statements, at which risk together.

    `looks` names the noise levels whose radii it shows, or who picks them.
    """

    statements: int
    risk: float
    looks: tuple[str, ...] = ()


class GroupTask(Protocol):
    """A question about several images together; its result is the run's whole result."""

    @property
    def share(self) -> Share:
        """What is asked of each image."""
        ...

    def config(self) -> dict[str, Any]:
        """All settings, as JSON values that the builder in `GROUP_TASKS` takes."""
        ...

    def most_passes(self, count: int) -> int:
        """The most forward passes of a run about `count` images.

        Raises:
            ParameterError: these settings could never certify, or ask more than a run may.
        """
        ...

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse beforehand what could not end well, at first what `most_passes` refuses.

        Raises:
            ParameterError: says what.
        """
        ...

    def run(
        self, classifier: Classifier, images: Sequence[ImageInput], *, seed: int, batch_size: int
    ) -> Stream[Any]:
        """Yields steps, then the result."""
        ...


def build_task(kind: str, config: Mapping[str, Any]) -> Task:
    """The checked task of a kind that is asked of one image; settings left out have defaults.

    Raises:
        ParameterError: an unknown setting, a value of another kind or out of its range, or an n
            that could never certify anything.
    """
    task = built(TASKS[kind], config, kind)
    _check_cost(task)
    return task


def share_of(task: Task) -> Share:
    """One question, and the probability, at most, that some statement of its answer is false."""
    if not isinstance(task, Sweep):
        shows = isinstance(task, Certify) and not task.picked
        return Share(1, task.alpha, (look_at(task.sigma),) if shows else ())
    alphas = [task.alpha] if task.simultaneous else [task.alpha] * len(task.sigmas)
    risk = add_risks(*alphas, *[task.alpha] * task.recertify)
    return Share(1, risk, tuple(map(look_at, task.sigmas)))


def look_at(sigma: float) -> str:
    """What a look at a noise level is called."""
    return f"sigma {float(sigma)!r}"


def content_key(parts: Mapping[str, Any]) -> str:
    """32 hex digits of everything that decides a result: the same question has the same key."""
    text = json.dumps({**parts, "version": __version__}, sort_keys=True, allow_nan=False)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def config_of(task: Task) -> dict[str, Any]:
    """All settings of a task, as JSON values that `build_task` takes."""
    found: dict[str, Any] = to_json(task)
    return found


def _check_cost(task: Task) -> None:
    if isinstance(task, Sweep):
        if len(task.sigmas) > MAX_SIGMAS:
            raise ParameterError(
                f"sigmas holds {len(task.sigmas)} noise levels: the limit is {MAX_SIGMAS}."
            )
        task.check_n(task.point_alpha)
    elif isinstance(task, Certify):
        task.check_n(task.alpha)


_OF_SELECTOR = ("selector", "settings")
_FILES = ("folder", "path", "policy")
_REFERENCE = "mnist5k"  # a request that names no reference images


def selector_fields(name: str) -> tuple[FieldDescription, ...]:
    """What may be set of a selector.

    Raises:
        UnknownNameError: no such selector.
    """
    if name not in SELECTORS:
        raise UnknownNameError("selector", name[:40], SELECTORS)
    return _without_files(SELECTORS[name])


def guarantee_fields(name: str) -> tuple[FieldDescription, ...]:
    """What may be set of a guarantee.

    Raises:
        UnknownNameError: no such guarantee.
    """
    if name not in GUARANTEES:
        raise UnknownNameError("guarantee", name[:40], GUARANTEES)
    return _without_files(GUARANTEES[name])


def selector_of(name: str, settings: Mapping[str, Any]) -> Selector:
    """The selector with these settings, JSON values by field.

    Raises:
        UnknownNameError: no such selector.
        ParameterError: a setting is unknown, of another kind, or out of its range.
    """
    fields = selector_fields(name)
    also = {"dataset": _REFERENCE} if any(facts.name == "dataset" for facts in fields) else {}
    return built(SELECTORS[name], settings, name, fields=fields, also=also)


def selector_from(given: Any, what: str = "selector") -> Selector:
    """The selector of an object {"selector": name, "settings": {...}}; `selector_config`'s inverse.

    Args:
        given: any JSON value.
        what: who names it, for messages.

    Raises:
        UnknownNameError: no such selector.
        ParameterError: it is no such object, or a setting is unknown, of another kind, or out of
            its range.
    """
    if not isinstance(given, dict) or not set(given) <= set(_OF_SELECTOR):
        raise ParameterError(
            f"{what} is {shortened(given)}: it must be an object with {', '.join(_OF_SELECTOR)}."
        )
    name, settings = given.get("selector"), given.get("settings")
    if not isinstance(name, str) or not isinstance(settings, dict | None):
        raise ParameterError(f"{what} must name itself in text, its settings are an object.")
    return selector_of(name, settings or {})


def selector_config(selector: Selector) -> dict[str, Any]:
    """A selector as the JSON object that `selector_from` takes."""
    names = [facts.name for facts in selector_fields(selector.name)]
    settings = {name: to_json(getattr(selector, name)) for name in names}
    return {"selector": selector.name, "settings": settings}


def guarantee_of(name: str, settings: Mapping[str, Any]) -> Guarantee:
    """The guarantee with these settings, JSON values by field.

    Raises:
        UnknownNameError: no such guarantee.
        ParameterError: a setting is unknown, of another kind, or out of its range.
    """
    fields = guarantee_fields(name)
    return built(GUARANTEES[name], settings, name, fields=fields)


def _without_files(kind: type) -> tuple[FieldDescription, ...]:
    along = tuple(name for name, facts in DATASETS.items() if facts.bundled)
    return tuple(
        replace(facts, choices=along, default=_REFERENCE) if facts.name == "dataset" else facts
        for facts in describe_fields(kind)
        if facts.name not in _FILES
    )
