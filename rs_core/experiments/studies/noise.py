"""Accuracy of a voted network against the noise that it votes under: SIAM, Figs. 1 to 3."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rs_core.attacks.norms import Norm, check_radius
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream
from rs_core.experiments.studies.attacks import (
    attack_cost,
    attacked,
    check_grid,
    check_labelled,
    check_votes,
    epgd_of,
    judge_cost,
    judged,
    no_attack,
    pgd_of,
    study_set,
)
from rs_core.experiments.studies.progress import StudyProgress
from rs_core.fields import check_params, param, shown
from rs_core.images import ImageInput
from rs_core.results.study import (
    ATTACK_KINDS,
    NONE,
    AttackFacts,
    NoisePoint,
    NoiseStudy,
)
from rs_core.seeding import check_seed
from rs_core.smoothing.ballots import MOST_SAMPLES, SECOND, VOTES, rules_of
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE

UNIT = "pixels of [0,1]"


@dataclass(frozen=True, kw_only=True)
class NoiseCurve:
    """Accuracy against sigma for several M and voting rules, without attack, under PGD and EPGD.

    PGD attacks the network itself and EPGD the smoothed network at the sigma that is judged, with
    the same ball and steps; where sigma is 0 both are PGD. Attacked images are made once for each
    attack (and sigma) and judged by every rule and M from the same copies.

    Fields:
        votes: names of `VOTES`.
        attacks: of "none", "pgd", "epgd".
        dataset, indices: where the images come from, for the result; positions by default.

    SIAM adds its noise after normalisation: its sigma is this one divided by the data's standard
    deviation per channel (about .25), so that its .24 is about .06 here.
    """

    sigmas: tuple[float, ...] = param(
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5), help="noise levels", unit=UNIT, low=0, high=SIGMA_MAX
    )
    samples: tuple[int, ...] = param(
        (1, 8, 64), help="noisy copies that vote (M)", low=1, high=MOST_SAMPLES
    )
    votes: tuple[str, ...] = field(
        default=("hard", "soft"), metadata={"help": f"voting rules: {', '.join(VOTES)}"}
    )
    attacks: tuple[str, ...] = field(
        default=ATTACK_KINDS,
        metadata={"help": f"of {', '.join(ATTACK_KINDS)}, epgd on the smoothed network"},
    )
    norm: Norm = param("l2", help="ball of the perturbation", choices=("l2", "linf"))
    eps: float = param(0.5, help="radius of the ball", unit=UNIT, low=0, high=1000, low_open=True)
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
        check_radius(self.norm, self.eps)
        object.__setattr__(self, "sigmas", check_grid("sigmas", self.sigmas))
        samples = tuple(int(count) for count in check_grid("samples", self.samples))
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "votes", check_votes(self.votes))
        known = not isinstance(self.attacks, str) and set(self.attacks) <= set(ATTACK_KINDS)
        if not known or not self.attacks:
            raise ParameterError(
                f"attacks={shown(self.attacks)}: give some of {', '.join(ATTACK_KINDS)}."
            )
        ordered = tuple(kind for kind in ATTACK_KINDS if kind in self.attacks)
        object.__setattr__(self, "attacks", ordered)

    @classmethod
    def published(cls, **changes: Any) -> "NoiseCurve":
        """SIAM's grids and attack: M = 2^0 ... 2^9, linf 8/255, 7 steps of eps/4, m = 8.

        Its grid of sigmas, [0, .5] in steps of .01 after normalisation, is [0, .125] in steps of
        .0025 at CIFAR-10's standard deviation of about .25.
        """
        settings: dict[str, Any] = {
            "sigmas": tuple(0.0025 * k for k in range(51)),
            "samples": tuple(2**k for k in range(10)),
            "votes": ("hard", "soft", "logits", "rank", "top2"),
            "norm": "linf", "eps": 8 / 255, "steps": 7, "reach": 1.75, "draws": 8,
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
        judge = judge_cost(self.sigmas, images, max(self.samples), random)
        total = len(self.attacks) * judge
        noisy = [sigma for sigma in self.sigmas if sigma > 0]
        if self._needs_pgd:
            total += attack_cost(pgd_of(self._facts("pgd"), self.eps), images)
        if "epgd" in self.attacks:
            total += sum(
                attack_cost(epgd_of(self._facts("epgd"), self.eps, s), images) for s in noisy
            )
        return total

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[NoiseStudy]:
        """Yields `StudyStep`s, then the study; every image must have a label.

        Raises:
            ParameterError: no image, one without a label or of another shape.
        """
        self.check(classifier, images)
        about = study_set(classifier, images, self.dataset, self.indices, check_seed(seed))
        facts = tuple(self._facts(kind) for kind in self.attacks)
        empty = NoiseStudy(about, facts, self.second, ())
        progress = StudyProgress(self.cost(len(images), random=classifier.random), empty)
        options = {"seed": seed, "batch_size": batch_size}
        moved: Sequence[ImageInput] = images
        if NONE in self.attacks:
            yield from self._judge(progress, classifier, images, NONE, self.sigmas, options)
        if self._needs_pgd:
            attack = pgd_of(self._facts("pgd"), self.eps)
            moved = yield from attacked(
                progress, attack, classifier, images, "PGD on the network", **options
            )
        if "pgd" in self.attacks:
            yield from self._judge(progress, classifier, moved, "pgd", self.sigmas, options)
        for sigma in self.sigmas if "epgd" in self.attacks else ():
            if sigma > 0:
                attack = epgd_of(self._facts("epgd"), self.eps, sigma)
                through: Sequence[ImageInput] = yield from attacked(
                    progress, attack, classifier, images, f"EPGD at sigma {sigma:g}", **options
                )
            else:
                through = moved
            yield from self._judge(progress, classifier, through, "epgd", (sigma,), options)
        yield Finished(progress.partial)

    def _judge(
        self,
        progress: StudyProgress[NoiseStudy],
        classifier: Classifier,
        images: Sequence[ImageInput],
        attack: str,
        sigmas: tuple[float, ...],
        options: dict[str, int],
    ) -> Generator[Step, None, None]:
        """Add the points of these images to the study."""
        rules = rules_of(self.votes, self.second)
        words = {NONE: "no attack", "pgd": "PGD", "epgd": "EPGD"}[attack]
        right = yield from judged(
            progress, classifier, images, sigmas, self.samples, rules, f"votes under {words}",
            **options,
        )  # fmt: skip
        points = [
            NoisePoint(attack, sigma, vote, samples, int(right[s, v, m]))
            for s, sigma in enumerate(sigmas)
            for v, vote in enumerate(rules)
            for m, samples in enumerate(self.samples)
        ]
        study = progress.partial
        progress.partial = replace(study, points=(*study.points, *points))

    @property
    def _needs_pgd(self) -> bool:
        return "pgd" in self.attacks or ("epgd" in self.attacks and 0 in self.sigmas)

    def _facts(self, kind: str) -> AttackFacts:
        if kind == NONE:
            return no_attack()
        draws = self.draws if kind == "epgd" else 1
        return AttackFacts(kind, self.norm, self.eps, self.steps, draws, self.reach)
