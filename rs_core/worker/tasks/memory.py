"""Questions about points on a map: their certificates, frozen regions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Stream
from rs_core.experiments import FreezeRegions, MapPoints
from rs_core.guarantees import Frozen, Regions
from rs_core.images import ImageInput
from rs_core.results import to_json
from rs_core.worker.requests import shortened
from rs_core.worker.tasks.base import GroupTask, Origin, Share, guarantee_of, selector_of

# The linear programme is one step, and nobody else has a turn before it ends.
MAX_LP_SECONDS = 10.0


@dataclass(frozen=True)
class GroupQuestion:
    """A task about several images, with the settings that build it again."""

    asked: Mapping[str, Any]
    task: MapPoints | FreezeRegions

    @property
    def share(self) -> Share:
        """One statement per image."""
        return Share(1, _certifier(self.task).alpha, (str(self.task.selector),))

    def config(self) -> dict[str, Any]:
        """All settings, as JSON values."""
        return dict(self.asked)

    def most_passes(self, count: int) -> int:
        """Choices and certificates; refuses an n that could never certify even one image."""
        self._check_n(1)
        return count * self.task.most_draws

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse an n that could never certify anything."""
        self.most_passes(len(images))
        self._check_n(len({image.digest for image in images}))

    def run(
        self, classifier: Classifier, images: Sequence[ImageInput], *, seed: int, batch_size: int
    ) -> Stream[Any]:
        """Yields steps, then `Points` or `FrozenRegions`."""
        return self.task.run(classifier, images, seed=seed, batch_size=batch_size)

    def _check_n(self, different: int) -> None:
        certifier = _certifier(self.task)
        certifier.check_n(certifier.level(different))


def points_question(config: Mapping[str, Any], origin: Origin) -> GroupTask:
    """The question of kind "points": selector, its settings, and the draws of a certificate.

    Raises:
        ParameterError: a setting is unknown, of another kind, or out of its range.
    """
    asked, selector, rest = _picked(config)
    certifier = guarantee_of("frozen", rest)
    assert isinstance(certifier, Frozen)
    asked |= _settings(certifier, rest)
    return GroupQuestion(asked, MapPoints(selector=selector, certifier=certifier))


def regions_question(config: Mapping[str, Any], origin: Origin) -> GroupTask:
    """The question of kind "regions": selector, its settings, and those of the guarantee.

    Raises:
        ParameterError: a setting is unknown, of another kind, or out of its range.
    """
    asked, selector, rest = _picked(config)
    regions = guarantee_of("regions", {"time_limit": MAX_LP_SECONDS, **rest})
    assert isinstance(regions, Regions)
    if regions.time_limit > MAX_LP_SECONDS:
        raise ParameterError(
            f"time_limit={regions.time_limit:g} s is too long here: the limit is "
            f"{MAX_LP_SECONDS:g} s, the command line takes more."
        )
    asked |= _settings(regions, rest)
    return GroupQuestion(asked, FreezeRegions(selector=selector, regions=regions))


MAP_TASKS: dict[str, Callable[[Mapping[str, Any], Origin], GroupTask]] = {
    "points": points_question,
    "regions": regions_question,
}


def _certifier(task: MapPoints | FreezeRegions) -> Frozen | Regions:
    return task.certifier if isinstance(task, MapPoints) else task.regions


def _picked(config: Mapping[str, Any]) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    """(selector and settings as asked, the selector, all other settings)."""
    name, settings = config.get("selector"), config.get("settings", {})
    if not isinstance(name, str):
        raise ParameterError(f"selector={shortened(name)} must be text: name one.")
    if not isinstance(settings, Mapping):
        raise ParameterError(f"settings={shortened(settings)} must be an object.")
    selector = selector_of(name, settings)
    rest = {key: value for key, value in config.items() if key not in ("selector", "settings")}
    return {"selector": name, "settings": dict(settings)}, selector, rest


def _settings(task: Frozen | Regions, rest: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in force, with their defaults where none was given."""
    held: dict[str, Any] = to_json(task)
    return {name: value for name, value in (held | dict(rest)).items() if value is not None}
