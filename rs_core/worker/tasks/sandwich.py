"""A strip of sandwiches, built from JSON values with every field checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Stream
from rs_core.experiments.sandwich import MakeSandwiches, SandwichOptions
from rs_core.fields import describe_fields
from rs_core.images import ImageInput
from rs_core.results.sandwich import SandwichStrip
from rs_core.worker.settings import built
from rs_core.worker.tasks.base import Origin, Share, look_at, selector_config, selector_from

MAX_SANDWICHES = 50
MAX_PASSES = 100_000_000  # of all images: hours of a small network on two cores
# What one step covers; others wait for it.
MAX_DRAWS, MAX_JUDGED, MAX_LOOKS, MAX_PICKS = 256, 1024, 5000, 10_000


@dataclass(frozen=True)
class SandwichTask:
    """A strip as the worker runs it."""

    made: MakeSandwiches

    @property
    def share(self) -> Share:
        """Both ends are statements, and so is the second row's."""
        made = self.made
        look = str(made.selector) if made.sigma is None else look_at(made.sigma)
        return Share(made.statements, made.risk, (look,))

    def config(self) -> dict[str, Any]:
        """All settings, as JSON values that `sandwich_task` takes."""
        names, picker = (f.name for f in describe_fields(SandwichOptions)), self.made.selector
        return {
            **{name: getattr(self.made, name) for name in names},
            "selector": None if picker is None else selector_config(picker),
        }

    def most_passes(self, count: int) -> int:
        """All choices of sigma included; refuses an n too small, too many images and passes."""
        made = self.made
        if count > MAX_SANDWICHES:
            raise ParameterError(
                f"{count} images are too many for one strip: the limit is {MAX_SANDWICHES}."
            )
        made.check_n(made.alpha)
        passes = count * (made.most_passes + made.most_repicks)
        if passes > MAX_PASSES:
            raise ParameterError(
                f"these settings can cost {passes:,} forward passes: the limit is {MAX_PASSES:,}; "
                "give fewer images, steps, copies or rounds."
            )
        return passes

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse what would take too long, and what could not end well."""
        self.most_passes(len(images))
        self.made.check(classifier, images)

    def run(
        self, classifier: Classifier, images: Sequence[ImageInput], *, seed: int, batch_size: int
    ) -> Stream[SandwichStrip]:
        """Yields steps, then the strip."""
        return self.made.run(classifier, images, seed=seed, batch_size=batch_size)


def sandwich_task(config: Mapping[str, Any], origin: Origin) -> SandwichTask:
    """The checked strip of a config: the fields of `SandwichOptions`, and who picks sigma.

    `selector` is {"selector": name, "settings": {...}}, or null where sigma is fixed beforehand.

    Raises:
        ParameterError, UnknownNameError: a field is unknown, of another kind or out of its range.
    """
    own = {name: value for name, value in config.items() if name != "selector"}
    if own.get("sigma") is None:
        own.pop("sigma", None)
    options = built(SandwichOptions, own, "sandwich")
    _check_steps(options)
    given = config.get("selector")
    selector = None if given is None else selector_from(given)
    if options.pipeline and selector is not None and selector.most_draws > MAX_PICKS:
        raise ParameterError(
            f"{selector.name.replace('_', ' ')} takes {selector.most_draws:,} copies for each "
            f"choice of σ, and that attack picks σ many times: the limit is {MAX_PICKS:,}. Give "
            "the selector fewer copies, choose another one, or do not attack the system that picks "
            "σ again."
        )
    made = MakeSandwiches(
        **vars(options), selector=selector, dataset=origin.dataset, indices=origin.indices
    )
    return SandwichTask(made)


def _check_steps(options: SandwichOptions) -> None:
    """A step computes every copy of a group of images, so that there may not be too many."""
    limits = {"draws": MAX_DRAWS, "judged": MAX_JUDGED}
    for name, limit in limits.items():
        if getattr(options, name) > limit:
            raise ParameterError(
                f"{name}={getattr(options, name)} is too many here: the limit is {limit}, the "
                "command line takes more."
            )
    if options.looks * options.restarts > MAX_LOOKS:
        raise ParameterError(
            f"steps={options.steps} in {options.rounds} rounds and {options.restarts} searches are "
            f"{options.looks * options.restarts:,} steps: the limit is {MAX_LOOKS:,}."
        )
