"""A comparison of methods, built from JSON values with every field checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError, UnknownNameError
from rs_core.events import Stream
from rs_core.experiments import MAX_METHODS, Compare, Pair
from rs_core.fields import describe_fields
from rs_core.guarantees import GUARANTEES, GridMinimum
from rs_core.images import ImageInput
from rs_core.results.comparison import Comparison
from rs_core.selectors import Gradient, Selector
from rs_core.smoothing.options import CertifyOptions
from rs_core.statistics import add_risks
from rs_core.worker.requests import shortened
from rs_core.worker.settings import built, numbers
from rs_core.worker.tasks.base import (
    MAX_SIGMAS,
    Origin,
    Share,
    look_at,
    selector_config,
    selector_of,
)

MAX_LEVELS = 1000  # noise levels that a selector may look at; an image keeps votes of each
MAX_CANDIDATES = 400_000  # looked at by all methods on all images: a result is one piece of JSON
_BLOCK = 64
_OWN = ("methods", "sigmas")
_OF_METHOD = ("selector", "settings", "guarantee")


@dataclass(frozen=True)
class ComparisonTask:
    """A comparison as the worker runs it."""

    compare: Compare

    @property
    def share(self) -> Share:
        """A statement per method and per sigma of the curves, each at alpha."""
        count = self.compare.statements
        picks = tuple(str(pair.selector) for pair in self.compare.methods)
        looks = (*map(look_at, self.compare.sigmas), *picks)
        return Share(count, add_risks(*[self.compare.alpha] * count), looks)

    def config(self) -> dict[str, Any]:
        """All settings, as JSON values that `compare_task` takes."""
        names = [facts.name for facts in describe_fields(CertifyOptions)]
        return {
            "methods": [
                {**selector_config(pair.selector), "guarantee": pair.guarantee.name}
                for pair in self.compare.methods
            ],
            "sigmas": list(self.compare.sigmas),
            **{name: getattr(self.compare, name) for name in names},
        }

    def most_passes(self, count: int) -> int:
        """Of all methods and the curves; refuses an n too small, and too much for one result."""
        for pair in self.compare.methods:
            pair.guarantee.check_n(pair.guarantee.level(1))
        looked = sum(_looked_at(pair.selector) for pair in self.compare.methods) * count
        if looked > MAX_CANDIDATES:
            raise ParameterError(
                f"the selectors would look at {looked:,} noise levels of {count} images: the "
                f"limit is {MAX_CANDIDATES:,}; give fewer images, steps or levels."
            )
        return count * self.compare.most_draws

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse what would be too much, and what the methods cannot do."""
        self.most_passes(len(images))
        self.compare.check(classifier, images)

    def run(
        self, classifier: Classifier, images: Sequence[ImageInput], *, seed: int, batch_size: int
    ) -> Stream[Comparison]:
        """Yields steps, then the comparison."""
        return self.compare.run(classifier, images, seed=seed, batch_size=batch_size)


def compare_task(config: Mapping[str, Any], origin: Origin) -> ComparisonTask:
    """The checked comparison of a config: methods, sigmas, and the settings of certificates.

    A method is {"selector": name, "settings": {...}, "guarantee": name}.

    Raises:
        ParameterError, UnknownNameError: a field is unknown, of another kind or out of its range.
    """
    own = {name: value for name, value in config.items() if name not in _OWN}
    options = built(CertifyOptions, own, "compare")
    given = config.get("methods")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_METHODS:
        raise ParameterError(f"methods={shortened(given)} must be a list of 1 to {MAX_METHODS}.")
    methods = tuple(_pair(method, place) for place, method in enumerate(given, 1))
    sigmas = numbers("sigmas", config.get("sigmas", []), limit=MAX_SIGMAS)
    compare = Compare(
        methods=methods, sigmas=sigmas, dataset=origin.dataset, indices=origin.indices,
        **vars(options),
    )  # fmt: skip
    return ComparisonTask(compare)


def _pair(method: Any, place: int) -> Pair:
    if not isinstance(method, dict) or not set(method) <= set(_OF_METHOD):
        raise ParameterError(
            f"method {place} is {shortened(method)}: it must be an object with "
            f"{', '.join(_OF_METHOD)}."
        )
    name, settings, guarantee = (method.get(part) for part in _OF_METHOD)
    if not isinstance(name, str) or not isinstance(guarantee, str):
        raise ParameterError(f"method {place} must name its selector and its guarantee in text.")
    if not isinstance(settings, dict | None):
        raise ParameterError(f"the settings of method {place} must be an object.")
    if guarantee not in GUARANTEES:
        raise UnknownNameError("guarantee", guarantee[:40], GUARANTEES)
    try:
        selector = selector_of(name, settings or {})
        _check_levels(selector)
        pair = Pair.of(selector, GUARANTEES[guarantee])
        if isinstance(pair.guarantee, GridMinimum) and len(pair.guarantee.sigmas) > MAX_SIGMAS:
            raise ParameterError(
                f"grid_minimum would certify {len(pair.guarantee.sigmas)} noise levels: the limit "
                f"is {MAX_SIGMAS}; choose a coarser selector."
            )
    except ParameterError as error:
        raise ParameterError(f"method {place} ({name[:40]}): {error}") from None
    return pair


def _check_levels(selector: Selector) -> None:
    """A step looks at every noise level at once, so that there may not be too many."""
    levels = len(selector.possible_sigmas or ())
    at_once = levels * min(getattr(selector, "n", 1), _BLOCK)
    if levels > MAX_LEVELS or at_once > MAX_SIGMAS * _BLOCK:
        raise ParameterError(
            f"{selector.name} would look at {levels} noise levels at once: give fewer levels, or "
            "fewer draws for each."
        )


def _looked_at(selector: Selector) -> int:
    """Noise levels that a selection keeps."""
    if isinstance(selector, Gradient):
        return selector.steps
    return len(selector.possible_sigmas or ())
