"""Accuracy of the plain and of the voted network against the attack's radius: SIAM, Fig. 4."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rs_core.attacks.norms import Norm, check_radius
from rs_core.classifiers import Classifier
from rs_core.events import Finished, Step, Stream
from rs_core.experiments.studies.attacks import (
    attack_cost,
    attacked,
    check_grid,
    check_labelled,
    epgd_of,
    judge_cost,
    judged,
    pgd_of,
    study_set,
    varied,
)
from rs_core.experiments.studies.progress import StudyProgress
from rs_core.fields import check_params, param
from rs_core.images import ImageInput
from rs_core.results.study import AttackFacts, StrengthPoint, StrengthStudy
from rs_core.seeding import check_seed
from rs_core.smoothing.ballots import MOST_SAMPLES, SECOND, VOTES, rules_of
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE

UNIT = "pixels of [0,1]"


@dataclass(frozen=True, kw_only=True)
class StrengthCurve:
    """Accuracy against eps: the plain and the voted network under PGD, the voted one under EPGD.

    PGD attacks the network itself; the voted network is judged on the same images. EPGD attacks the
    smoothed network. Balls, steps and steps' lengths are the same for both.

    Fields:
        dataset, indices: where the images come from, for the result; positions by default.
    """

    eps: tuple[float, ...] = param(
        (0.0, 0.25, 0.5, 0.75, 1.0, 1.5), help="radii of the ball", unit=UNIT, low=0, high=1000
    )
    sigma: float = param(
        0.25, help="noise level of the voted network", unit=UNIT,
        low=0, high=SIGMA_MAX, low_open=True,
    )  # fmt: skip
    samples: int = param(8, help="noisy copies that vote (M)", low=1, high=MOST_SAMPLES)
    vote: str = param("hard", help="voting rule", choices=tuple(VOTES))
    norm: Norm = param("l2", help="ball of the perturbation", choices=("l2", "linf"))
    steps: int = param(20, help="gradient steps of each attack", low=1, high=10_000)
    reach: float = param(
        2.5, help="length of all steps together, in radii", low=0, high=1000, low_open=True
    )
    draws: int = param(8, help="noisy copies per step of EPGD (m)", low=1, high=10_000)
    second: float = param(SECOND, help="weight of a second place in top2 (c)", low=0, high=1)
    dataset: str = ""
    indices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_params(self)
        check_radius(self.norm, *self.eps)
        object.__setattr__(self, "eps", check_grid("eps", self.eps))

    @classmethod
    def published(cls, **changes: Any) -> "StrengthCurve":
        """SIAM's Fig. 4: linf, 8 copies, 7 steps; its radii are read off as 0 to 16/255."""
        settings: dict[str, Any] = {
            "eps": tuple(k / 255 for k in range(0, 17, 2)), "norm": "linf", "steps": 7,
            "reach": 1.75, "sigma": 0.06, "samples": 8, "draws": 8,
        }  # fmt: skip
        return cls(**{**settings, **changes})

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse, before anything is drawn, images that no accuracy can be told of."""
        check_labelled(classifier, images, self.indices)

    def cost(self, images: int, *, random: bool = False) -> int:
        """Forward passes; one with its backward pass counts as three.

        Args:
            random: the network draws noise of its own, and is asked as often without noise.
        """
        pgd, epgd = self._facts()
        plain = judge_cost((0.0,), images, self.samples, random)
        voted = judge_cost((self.sigma,), images, self.samples, random)
        total = 0
        for eps in self.eps:
            total += plain + 2 * voted
            if eps > 0:
                total += attack_cost(pgd_of(pgd, eps), images)
                total += attack_cost(epgd_of(epgd, eps, self.sigma), images)
        return total

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[StrengthStudy]:
        """Yields `StudyStep`s, then the study; every image must have a label.

        Raises:
            ParameterError: no image, one without a label or of another shape.
        """
        self.check(classifier, images)
        pgd, epgd = self._facts()
        about = study_set(classifier, images, self.dataset, self.indices, check_seed(seed))
        facts = (varied(pgd), varied(epgd))
        empty = StrengthStudy(about, facts, self.sigma, self.samples, self.vote, ())
        progress = StudyProgress(self.cost(len(images), random=classifier.random), empty)
        options = {"seed": seed, "batch_size": batch_size}
        for eps in self.eps:
            near: Sequence[ImageInput] = images
            through: Sequence[ImageInput] = images
            if eps > 0:
                near = yield from attacked(
                    progress, pgd_of(pgd, eps), classifier, images, f"PGD of radius {eps:.4g}",
                    **options,
                )  # fmt: skip
                through = yield from attacked(
                    progress, epgd_of(epgd, eps, self.sigma), classifier, images,
                    f"EPGD of radius {eps:.4g}", **options,
                )  # fmt: skip
            yield from self._judge(progress, classifier, near, "plain", "pgd", eps, options)
            yield from self._judge(progress, classifier, near, "smoothed", "pgd", eps, options)
            yield from self._judge(progress, classifier, through, "smoothed", "epgd", eps, options)
        yield Finished(progress.partial)

    def _judge(
        self,
        progress: StudyProgress[StrengthStudy],
        classifier: Classifier,
        images: Sequence[ImageInput],
        network: str,
        attack: str,
        eps: float,
        options: dict[str, int],
    ) -> Generator[Step, None, None]:
        """Add one point to the study."""
        sigma = self.sigma if network == "smoothed" else 0.0
        right = yield from judged(
            progress, classifier, images, (sigma,), (self.samples,),
            rules_of((self.vote,), self.second), f"votes at radius {eps:.4g}", **options,
        )  # fmt: skip
        study = progress.partial
        point = StrengthPoint(network, attack, eps, int(right[0, 0, 0]))
        progress.partial = replace(study, points=(*study.points, point))

    def _facts(self) -> tuple[AttackFacts, AttackFacts]:
        pgd = AttackFacts("pgd", self.norm, 0.0, self.steps, 1, self.reach)
        return pgd, replace(pgd, name="epgd", draws=self.draws)
