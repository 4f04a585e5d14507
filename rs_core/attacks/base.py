"""What every attack is: settings with one verb that looks for adversarial images.

The base class owns validation, labels, groups, warnings and results; an attack writes only its
search. What a search believes is not a result: see `confirmation`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import ClassVar

import torch
from torch import Tensor

from rs_core.attacks.batch import AttackBatch, SearchResult, attack_results, clean_outputs
from rs_core.attacks.checks import check_gaussian, check_images, check_target, label_of
from rs_core.attacks.gradients import Outputs, cores, pass_rows, votes_of
from rs_core.attacks.norms import Norm, check_radius
from rs_core.attacks.objective import Expectation, Objective
from rs_core.attacks.parallel import one_at_a_time, run_side_by_side, split_in_shards
from rs_core.attacks.progress import AttackStep, Seen
from rs_core.attacks.targets import Plain, Target, smoothing_target
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream, still
from rs_core.fields import check_params, param
from rs_core.images import ImageInput
from rs_core.results.attack import AttackResult
from rs_core.seeding import check_seed, derive_seed
from rs_core.selectors import FromNetwork, Selector
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
    about: ClassVar[str]  # a few words beside the name, in lists
    gradient_free: ClassVar[bool] = False
    needs_noise: ClassVar[bool] = False  # without sigma or selector it is another attack, or none
    bounded: ClassVar[bool] = True  # eps, where there is one, is a budget

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
    spare: bool = field(
        default=True, metadata={"help": "leave images as they are that are misclassified already"}
    )

    def __post_init__(self) -> None:
        check_params(self)
        check_gaussian(self.selector)
        if self.sigma is not None and self.selector is not None:
            raise ParameterError(f"sigma={self.sigma:g} and a selector are both given: leave one.")
        if self.draws > 1 and not self.smoothed:
            raise ParameterError(
                f"draws={self.draws} without noise would repeat one pass: give sigma, or draws=1."
            )
        if self.reselect and self.selector is None:
            raise ParameterError(f"reselect={self.reselect} needs a selector: give one, or 0.")
        if self.bounded:
            check_radius(getattr(self, "norm", "l2"), getattr(self, "eps", 0.0))

    @property
    def smoothed(self) -> bool:
        """Whether the smoothed network is attacked."""
        return self.sigma is not None or self.selector is not None

    @property
    @abstractmethod
    def passes(self) -> int:
        """Passes of one image's search, judgements left out."""

    @abstractmethod
    def search(self, batch: AttackBatch) -> Generator[int, None, SearchResult]:
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
        given = check_images(classifier, images, labels, self.target)
        results: list[AttackResult] = []
        total = len(images) * self.passes
        size = self.together(classifier, batch_size)
        for first in range(0, len(images), size):
            own, labelled = images[first : first + size], given[first : first + size]
            done = first * self.passes
            sigmas = yield from self._sigmas(classifier, own, seed, done, total)
            shards = min(self._shards(classifier), len(own))
            # A lone image's copies are shared out among all cores, step by step.
            inner = cores(classifier) if shards == 1 and self.draws > 1 else 1
            outer = cores(classifier) if inner == 1 and classifier.block > 4 else 1
            make = partial(self._scene, classifier, own, labelled, sigmas, seed, inner)
            shard = partial(self._shard, make, seed)
            steps = run_side_by_side(
                outer, [shard(which) for which in split_in_shards(len(own), shards)]
            )
            while True:
                try:
                    seen = next(steps)
                except StopIteration as ended:
                    results += chain.from_iterable(ended.value)
                    break
                done += seen[0].passes * len(own)
                yield AttackStep.of(done, total, first, seen)
        yield Finished(tuple(results))

    def together(self, classifier: Classifier, batch_size: int) -> int:
        """Images of one group: enough rows for every core, whatever the number of images."""
        rows = min(batch_size, pass_rows(classifier) * cores(classifier))
        return max(rows // self.draws, 1)

    def _shards(self, classifier: Classifier) -> int:
        """Threads that take images of their own; 1 where a foreign network must not be shared."""
        return 1 if self.reselect and isinstance(self.selector, FromNetwork) else cores(classifier)

    def _sigmas(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        seed: int,
        done: int,
        total: int,
    ) -> Generator[Step, None, list[float] | None]:
        if self.selector is None:
            return None if self.sigma is None else [self.sigma] * len(images)
        picking = self.selector.run(classifier, images, seed=derive_seed(seed, "attack"))
        picked = yield from still(picking, done, total)
        return [selection.sigma for selection in picked]

    def _scene(
        self,
        classifier: Classifier,
        group: Sequence[ImageInput],
        given: Sequence[int | None],
        sigmas: Sequence[float] | None,
        seed: int,
        inner: int,
        which: range,
    ) -> AttackBatch:
        """The images of one shard."""
        with one_at_a_time():
            images = [group[i] for i in which]
            pixels = torch.cat([as_batch(classifier, image) for image in images])
            seeds = [
                derive_seed(seed, "attack", self.name, image.digest, classifier.weights_id)
                for image in images
            ]
            target: Target = Plain(classifier, seeds)
            if sigmas is not None:
                target = smoothing_target(
                    classifier, seeds, images, [sigmas[i] for i in which], draws=self.draws,
                    fresh=self.fresh, selector=self.selector, reselect=self.reselect,
                )  # fmt: skip
            target.threads = inner if target.shared else 1
        clean = clean_outputs(target, pixels)
        with one_at_a_time():
            known = [
                label_of(image, given[i], votes)
                for image, i, votes in zip(images, which, votes_of(clean).cpu(), strict=True)
            ]
            check_target(images, known, self.target)
            objective = self._objective(torch.tensor(known, device=classifier.device))
            copies = self.judged if target.noisy else 1
            norm: Norm = getattr(self, "norm", "l2")  # ddn and cw know no other
            said = Outputs(objective, clean)
            return AttackBatch(
                classifier, images, pixels, seeds, target, objective, copies, said, norm
            )

    def _shard(
        self, make: Callable[[range], AttackBatch], seed: int, which: range
    ) -> Generator[Seen, None, list[AttackResult]]:
        """What can be seen of a shard's steps, then its results."""
        batch = make(which)
        search = self.search(batch)
        while True:
            try:
                passes = next(search)
            except StopIteration as ended:
                return attack_results(
                    batch, ended.value, seed,
                    name=self.name, spare=self.spare, gradient_free=self.gradient_free,
                )  # fmt: skip
            yield Seen(passes, batch.outputs, batch.nearest)

    def _objective(self, labels: Tensor) -> Objective:
        targets = None if self.target is None else torch.full_like(labels, self.target)
        return Objective(labels, targets, expectation=self.expectation)
