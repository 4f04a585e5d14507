"""Sandwiches of several images: certified, attacked at the same sigma, confirmed on fresh noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from rs_core.attacks.checks import check_gaussian
from rs_core.attacks.gradients import gradient_of
from rs_core.attacks.objective import Objective
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream
from rs_core.experiments.sandwich.group import Group
from rs_core.experiments.sandwich.options import Held, SandwichOptions
from rs_core.experiments.sandwich.progress import SandwichProgress
from rs_core.fields import describe_fields
from rs_core.images import ImageInput
from rs_core.results import to_json
from rs_core.results.sandwich import SandwichRow, SandwichStrip
from rs_core.seeding import check_seed
from rs_core.selectors import Selector
from rs_core.smoothing.sampling import BATCH_SIZE


@dataclass(frozen=True, kw_only=True)
class MakeSandwiches(SandwichOptions):
    """Certified radius <= true radius <= smallest confirmed attack, per image.

    One classifier, one sigma: each image is certified, badge A where sigma was fixed beforehand
    and C where the selector picked it for the image; then the smoothed classifier, frozen at that
    very sigma, is attacked to leave the certified class, and PREDICT on noise that nobody has seen
    decides what counts. Ends that cross are neither hidden nor repaired. With `pipeline` the
    system that picks sigma again is attacked too; nothing is certified of it.

    Fields:
        selector: who picks sigma; None where `sigma` is fixed beforehand.
        dataset, indices: where the images come from, for the result; positions by default.

    Raises:
        ParameterError: neither or both of sigma and selector, a selector of l1 radii, or a pipeline
            without selector.
    """

    selector: Selector | None = None
    dataset: str = ""
    indices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.sigma is None) == (self.selector is None):
            both = "neither sigma nor a selector is" if self.sigma is None else "both are"
            raise ParameterError(f"{both} given: give sigma, or a selector that picks it.")
        check_gaussian(self.selector)
        if self.pipeline and self.selector is None:
            raise ParameterError(
                "pipeline attacks the system that picks sigma again, and sigma is fixed: give a "
                "selector, or leave pipeline off."
            )

    @property
    def most_passes(self) -> int:
        """The most forward passes of one image, without those that choose sigma in an attack."""
        picks = self.selector.most_draws if self.selector is not None else 0
        attacks = (1 + self.pipeline) * (self.attack_cost + self.confirm_cost)
        return picks + self.n0 + self.n + attacks

    @property
    def most_repicks(self) -> int:
        """The most noisy copies with which an attack on the pipeline picks one image's sigma."""
        if not self.pipeline or self.selector is None:
            return 0
        return self.picks * self.selector.most_draws

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse, before anything is drawn, what could not end well.

        Raises:
            ParameterError: no image, one of another shape, a label outside the classes, or an n
                that can never certify.
        """
        if not images or len(self.indices) not in (0, len(images)):
            raise ParameterError(
                f"{len(self.indices)} indices for {len(images)} images: give at least one image, "
                "and an index for each or none."
            )
        self.check_n(self.alpha)
        _check_fit(classifier, images)
        if self.selector is not None:
            self.selector.check(classifier, images)

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[SandwichStrip]:
        """Yields `SandwichStep`s, then the strip.

        The certificates are those of `Certify` (of the guarantee `frozen` with a selector) under
        the same seed: who asked for one before is not told another.

        Raises:
            ParameterError: see `check`; or the attack needs gradients and the network has none.
        """
        seed = check_seed(seed)
        self.check(classifier, images)
        if self.attack != "square":
            _check_gradients(classifier)  # not in `check`, where nobody computes yet
        empty = SandwichStrip(
            sandwiches=(), alpha=self.alpha, alpha_attack=self.alpha_attack,
            confirmations=self.confirmations, eps=self.eps, sigma_from=self.sigma_from,
            dataset=self.dataset, settings=self.settings(classifier, seed),
        )  # fmt: skip
        progress = SandwichProgress(len(images) * self.most_passes, empty)
        indices = self.indices or tuple(range(len(images)))
        size = self.attacker(Held()).together(classifier, batch_size)
        for first in range(0, len(images), size):
            own = range(first, min(first + size, len(images)))
            progress.rows += [SandwichRow(i, images[i].name) for i in own]
            group = Group(self, self.selector, classifier, images, own, seed, batch_size, progress)
            finished = yield from group.sandwiches()
            progress.finish(finished, [indices[i] for i in own])
        yield Finished(progress.partial)

    @property
    def sigma_from(self) -> str:
        """How sigma is chosen, in words."""
        if self.selector is None:
            return f"fixed beforehand at {self.sigma:g}"
        return f"picked for each image by {self.selector.name}, then held fixed"

    def settings(self, classifier: Classifier, seed: int) -> dict[str, Any]:
        """Everything that repeats a run on the same images, as JSON values."""
        own = {facts.name: getattr(self, facts.name) for facts in describe_fields(type(self))}
        picker = None
        if self.selector is not None:
            fields = describe_fields(type(self.selector))
            values = {facts.name: getattr(self.selector, facts.name) for facts in fields}
            picker = {"selector": self.selector.name, "settings": values}
        found: dict[str, Any] = to_json({
            **own, "selector": picker, "seed": seed,
            "network": classifier.title, "weights_id": classifier.weights_id,
            "precision": classifier.precision, "device": classifier.device.type,
        })  # fmt: skip
        return found


def _check_fit(classifier: Classifier, images: Sequence[ImageInput]) -> None:
    shape, classes = classifier.spec.input_shape, classifier.num_classes
    for image in images:
        if image.pixels.shape != shape:
            raise ParameterError(
                f"{image.name} has shape {image.pixels.shape} and {classifier.spec.name} takes "
                f"{shape}: load it with load_image(source, spec)."
            )
        if image.label is not None and not 0 <= image.label < classes:
            raise ParameterError(
                f"{image.name}: label={image.label} is outside the {classes} classes of "
                f"{classifier.spec.name}: give 0 to {classes - 1}, or none."
            )


def _check_gradients(classifier: Classifier) -> None:
    """Refuse a network without gradients before a certificate of it is paid for."""
    trial = torch.full((1, *classifier.spec.input_shape), 0.5, device=classifier.device)
    goal = Objective(torch.zeros(1, dtype=torch.int64, device=classifier.device))
    gradient_of(lambda x: classifier(x, 0.0)[:, None], goal, trial)
