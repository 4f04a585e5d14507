"""Studies of attacked images, built from JSON values with every field checked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Stream
from rs_core.experiments.studies import Frontier, NoiseCurve, StrengthCurve
from rs_core.fields import describe_fields
from rs_core.images import ImageInput
from rs_core.results import to_json
from rs_core.selectors import Selector
from rs_core.worker.requests import shortened
from rs_core.worker.settings import built
from rs_core.worker.tasks.base import GroupTask, Origin, Share, selector_config, selector_from

AnyStudy = NoiseCurve | StrengthCurve | Frontier
STUDIES: dict[str, type[NoiseCurve] | type[StrengthCurve] | type[Frontier]] = {
    "study_noise": NoiseCurve,
    "study_strength": StrengthCurve,
    "study_frontier": Frontier,
}
MAX_PASSES = 50_000_000  # about an hour on two cores
MAX_SELECTORS = 6
_WORDS = ("votes", "attacks", "strengths")
_LISTS = (*_WORDS, "selectors")


@dataclass(frozen=True)
class StudyTask:
    """A study as the worker runs it."""

    study: AnyStudy

    @property
    def share(self) -> Share:
        """No statement is made of an image."""
        return Share(0, 0.0)

    def config(self) -> dict[str, Any]:
        """All settings, as JSON values that the builders take."""
        names = [facts.name for facts in describe_fields(type(self.study))]
        names += [name for name in _WORDS if hasattr(self.study, name)]
        told = {name: to_json(getattr(self.study, name)) for name in names}
        if isinstance(self.study, Frontier):
            told["selectors"] = [selector_config(one) for one in self.study.selectors]
        return told

    def most_passes(self, count: int) -> int:
        """Of all attacks and judgements; refuses what would take too long here."""
        return self._held(self.study.cost(count))

    def _held(self, cost: int) -> int:
        if cost > MAX_PASSES:
            raise ParameterError(
                f"this study would take {cost:,} forward passes: the limit is {MAX_PASSES:,} here; "
                "take fewer images, noise levels or steps, or use the command line."
            )
        return cost

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse what would take too long, and images without labels."""
        self._held(self.study.cost(len(images), random=classifier.random))
        self.study.check(classifier, images)

    def run(
        self, classifier: Classifier, images: Sequence[ImageInput], *, seed: int, batch_size: int
    ) -> Stream[Any]:
        """Yields steps, then the study's result."""
        return self.study.run(classifier, images, seed=seed, batch_size=batch_size)


def study_task(kind: str, config: Mapping[str, Any], origin: Origin) -> GroupTask:
    """The checked study of a config: its fields, and lists of words for rules and attacks.

    Selectors of a frontier are {"selector": name, "settings": {...}}.

    Raises:
        ParameterError, UnknownNameError: a field is unknown, of another kind or out of its range.
    """
    made = STUDIES[kind]
    extra: dict[str, Any] = {}
    for name in _LISTS:
        if name in config and name in made.__dataclass_fields__:
            read = _selectors if name == "selectors" else partial(_words, name)
            extra[name] = read(config[name])
    rest = {name: value for name, value in config.items() if name not in extra}
    study = built(made, rest, kind.replace("_", " "))
    return StudyTask(replace(study, dataset=origin.dataset, indices=origin.indices, **extra))


STUDY_TASKS: dict[str, Callable[[Mapping[str, Any], Origin], GroupTask]] = {
    kind: partial(study_task, kind) for kind in STUDIES
}


def _words(name: str, given: Any) -> tuple[str, ...]:
    sound = isinstance(given, list) and all(isinstance(word, str) for word in given)
    if not sound or len(given) > 10:
        raise ParameterError(f"{name}={shortened(given)} must be a list of at most 10 words.")
    return tuple(word[:40] for word in given)


def _selectors(given: Any) -> tuple[Selector, ...]:
    if not isinstance(given, list) or len(given) > MAX_SELECTORS:
        raise ParameterError(
            f"selectors={shortened(given)} must be a list of at most {MAX_SELECTORS}."
        )
    return tuple(selector_from(one, f"selector {place}") for place, one in enumerate(given, 1))
