"""A smoothed network as it is deployed: whoever picks sigma, the votes, and the stronger attack."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from rs_core.attacks import Epgd
from rs_core.attacks.predict import predictions
from rs_core.classifiers import Classifier
from rs_core.events import Finished, Stream
from rs_core.experiments.studies.progress import StudyProgress, StudyStep, T
from rs_core.images import ImageInput
from rs_core.results.study import AttackFacts
from rs_core.seeding import derive_seed
from rs_core.selectors import Fixed, FromNetwork, Selector


@dataclass(frozen=True)
class Verdicts:
    """What PREDICT says of some images.

    Fields:
        correct: images whose true class PREDICT returns; an abstention is not.
        abstained: images on which PREDICT abstains.
        sigma: the mean that was used.
    """

    correct: int
    abstained: int
    sigma: float


@dataclass(frozen=True)
class Deployed:
    """One way of choosing sigma, on trial.

    Fields:
        selector: who picks; it picks again on every image that is shown.
        settings: what tells two of one name apart, in words.
    """

    selector: Selector
    settings: str

    @property
    def name(self) -> str:
        """The selector's name."""
        return self.selector.name

    @property
    def words(self) -> str:
        """Name and settings."""
        return f"{self.name} ({self.settings})" if self.settings else self.name

    def cost(self, images: int, n: int) -> int:
        """Forward passes of one judgement of so many images, at most."""
        return images * (n + self.selector.most_draws)

    def attack(self, facts: AttackFacts, gamma: float, reselect: int) -> Epgd:
        """PGD through the smoothed network and whoever picks sigma; every image is moved.

        The loss is -log of the mean softmax score: soft smoothing, as the paper differentiates it.
        """
        own: dict[str, Any] = {"sigma": None, "selector": self.selector, "reselect": reselect}
        if isinstance(self.selector, Fixed):
            own = {"sigma": self.selector.sigma}
        elif isinstance(self.selector, FromNetwork):
            own["reselect"] = 1
        return Epgd(
            norm="l2", eps=gamma, steps=facts.steps, step_size=facts.reach * gamma / facts.steps,
            draws=facts.draws, expectation="probability", spare=False, **own,
        )  # fmt: skip

    def judged(
        self,
        progress: StudyProgress[T],
        classifier: Classifier,
        images: Sequence[ImageInput],
        n: int,
        alpha: float,
        *,
        seed: int,
        batch_size: int,
    ) -> Generator[StudyStep, None, Verdicts]:
        """What is deployed says of labelled images; yields steps."""
        picking = self.selector.run(classifier, images, seed=seed, batch_size=batch_size)
        picked = yield from progress.part(
            picking, f"{self.words} picks sigma", len(images) * self.selector.most_draws
        )
        sigmas = [selection.sigma for selection in picked]
        said = yield from progress.part(
            _predicted(classifier, images, sigmas, n, alpha, seed, batch_size),
            f"votes of {self.words}", len(images) * n,
        )  # fmt: skip
        return Verdicts(
            sum(found == image.label for found, image in zip(said, images, strict=True)),
            sum(found is None for found in said),
            float(np.mean(sigmas)),
        )


def methods_of(sigmas: Sequence[float], selectors: Sequence[Selector]) -> tuple[Deployed, ...]:
    """The fixed noise levels, then the selectors."""
    fixed = [Deployed(Fixed(sigma=sigma), f"sigma {sigma:g}") for sigma in sigmas]
    names = [selector.name for selector in selectors]
    others = [Deployed(s, _settings(s) if names.count(s.name) > 1 else "") for s in selectors]
    return (*fixed, *others)


def _settings(selector: Selector) -> str:
    return ", ".join(
        f"{own.name} {getattr(selector, own.name)}" for own in fields(selector) if own.repr
    )


def _predicted(
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: Sequence[float],
    n: int,
    alpha: float,
    seed: int,
    batch_size: int,
) -> Stream[list[int | None]]:
    """What PREDICT returns of each image; None where it abstains."""
    own = derive_seed(seed, "study")
    said = yield from predictions(
        classifier, images, list(sigmas), n, alpha, seed=own, batch_size=batch_size
    )
    yield Finished([one.predicted for one in said])
