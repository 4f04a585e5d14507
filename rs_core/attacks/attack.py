"""What every attack is: settings with one verb that looks for adversarial images.

The base class owns validation, labels, groups, warnings and results; an attack writes only its
search. What a search believes is not a result: see `confirmation`.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rs_core.attack_results import AttackResult
from rs_core.attacks.assembling import attack_results
from rs_core.attacks.losses import Expectation, Goal
from rs_core.attacks.scene import Found, Scene, look_at_clean
from rs_core.attacks.slopes import rows_of, threads_of
from rs_core.attacks.targets import Base, Target, smoothing_target
from rs_core.attacks.validation import hold_images, hold_target, label_of
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream, still
from rs_core.fields import check_params, param
from rs_core.images import ImageInput
from rs_core.seeding import check_seed, derive_seed
from rs_core.selectors import Selector
from rs_core.smoothing.noise import as_batch
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE

UNIT = "pixels of [0,1]"


@dataclass(frozen=True, kw_only=True)
class Attack(ABC):
    """Looks for an image near each image that the target takes for another class.

    Without `sigma` and `selector` the network itself is attacked; with one of them the smoothed
    network, through `draws` noisy copies a step. With a selector sigma is picked on the clean
    image and frozen (the weaker attack of Hase et al., experiment B), or re-picked as the image
    moves where `reselect` is not 0 (the stronger one).
    """

    name: ClassVar[str]
    gradient_free: ClassVar[bool] = False

    sigma: float | None = param(
        None, help="noise level; none attacks the network itself", unit=UNIT,
        low=0, high=SIGMA_MAX, low_open=True,
    )  # fmt: skip
    draws: int = param(1, help="noisy copies per image and step (m)", low=1, high=10_000)
    expectation: Expectation = param(
        "loss",
        help="average over copies: of their losses (EPGD), or of their scores (SmoothAdv)",
        choices=("loss", "probability"),
    )
    fresh: bool = param(True, help="new noise every step; off: the same noise in all steps")
    judged: int = param(16, help="noisy copies that decide what is kept", low=1, high=32_768)
    target: int | None = param(None, help="class to reach; none for any other", low=0)
    reselect: int = param(
        0, help="steps between two choices of sigma; 0 freezes it, 1 also goes through a network",
        low=0, high=10_000,
    )  # fmt: skip
    selector: Selector | None = None

    def __post_init__(self) -> None:
        check_params(self)
        if self.sigma is not None and self.selector is not None:
            raise ParameterError(f"sigma={self.sigma:g} and a selector are both given: leave one.")
        if self.draws > 1 and not self.smoothed:
            raise ParameterError(
                f"draws={self.draws} without noise would repeat one pass: give sigma, or draws=1."
            )
        if self.reselect and self.selector is None:
            raise ParameterError(f"reselect={self.reselect} needs a selector: give one, or 0.")

    @property
    def smoothed(self) -> bool:
        """Whether the smoothed network is attacked."""
        return self.sigma is not None or self.selector is not None

    @property
    @abstractmethod
    def passes(self) -> int:
        """Passes of one image's search, judgements left out."""

    @abstractmethod
    def search(self, scene: Scene) -> Generator[int, None, Found]:
        """Yields the passes per image that each step took; returns what was found."""

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        labels: Sequence[int | None] | None = None,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[AttackResult, ...]]:
        """Yields steps counted in passes, then one result per image, in order.

        Args:
            labels: the class that each image must leave; by default the image's own label, and
                without one what the target says of the image as it is.
            seed: of starts and noise; noise that confirms is never the same.
            batch_size: most noisy copies of images that are worked on together.

        Raises:
            ParameterError: an image or label does not fit the network, the target class is the
                label, or the network gives no gradients.
        """
        seed = check_seed(seed)
        given = hold_images(classifier, images, labels, self.target)
        results: list[AttackResult] = []
        total = len(images) * self.passes
        size = self._together(classifier, batch_size)
        for first in range(0, len(images), size):
            own, done = images[first : first + size], first * self.passes
            labelled = given[first : first + size]
            scene = yield from self._scene(classifier, own, labelled, seed, done, total)
            search = self.search(scene)
            while True:
                try:
                    passes = next(search)
                except StopIteration as ended:
                    found = ended.value
                    break
                done += passes * len(own)
                yield Step(done=done, total=total)
            results += attack_results(self, scene, found, seed)
        yield Finished(tuple(results))

    def _together(self, classifier: Classifier, batch_size: int) -> int:
        """Images of one group: enough rows for every core, whatever the number of images."""
        target = Base(classifier, ())
        rows = min(batch_size, rows_of(target) * threads_of(target))
        return max(rows // self.draws, 1)

    def _scene(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        labels: Sequence[int | None],
        seed: int,
        done: int,
        total: int,
    ) -> Generator[Step, None, Scene]:
        pixels = torch.cat([as_batch(classifier, image) for image in images])
        seeds = [
            derive_seed(seed, "attack", self.name, image.digest, classifier.weights_id)
            for image in images
        ]
        target = yield from self._target(classifier, images, seeds, seed, done, total)
        target.settle(pixels, None)
        clean = look_at_clean(target, pixels)
        known = [
            label_of(image, label, votes)
            for image, label, votes in zip(images, labels, clean.votes.cpu(), strict=True)
        ]
        hold_target(images, known, self.target)
        goal = self._goal(torch.tensor(known, device=classifier.device))
        copies = self.judged if target.noisy else 1
        return Scene(classifier, images, pixels, seeds, target, goal, copies, clean)

    def _target(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        seeds: Sequence[int],
        seed: int,
        done: int,
        total: int,
    ) -> Generator[Step, None, Target]:
        if not self.smoothed:
            return Base(classifier, seeds)
        sigmas = [self.sigma or 0.0] * len(images)
        if self.selector is not None:
            picking = self.selector.run(classifier, images, seed=derive_seed(seed, "attack"))
            picked = yield from still(picking, done, total)
            sigmas = [selection.sigma for selection in picked]
        return smoothing_target(
            classifier, seeds, images, sigmas, draws=self.draws, fresh=self.fresh,
            selector=self.selector, reselect=self.reselect,
        )  # fmt: skip

    def _goal(self, labels: Tensor) -> Goal:
        targets = None if self.target is None else torch.full_like(labels, self.target)
        return Goal(labels, targets, expectation=self.expectation)
