"""Clean against robust accuracy: the variational paper's experiment B, for any way of choosing."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rs_core.attacks.checks import check_gaussian
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream
from rs_core.experiments.studies.attacks import (
    attack_cost,
    attacked,
    check_grid,
    check_labelled,
    pgd_of,
    study_set,
    varied,
)
from rs_core.experiments.studies.pipelines import Deployed, Verdicts, methods_of
from rs_core.experiments.studies.progress import StudyProgress
from rs_core.fields import check_params, param, shown
from rs_core.images import ImageInput
from rs_core.results.study import (
    PREDICTED,
    STRENGTHS,
    AttackFacts,
    FrontierPoint,
    FrontierStudy,
)
from rs_core.seeding import check_seed
from rs_core.selectors import Selector
from rs_core.smoothing.draw_checks import check_decidable, check_repeatable
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE

UNIT = "pixels of [0,1]"


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """Accuracy of PREDICT, on images as they are and attacked in l2: Hase et al.

    As in Cohen et al. (2019) an abstention counts as wrong, and how many there are is told.

    The weaker attack is PGD on the network alone, one set of images for all methods. The stronger
    one goes through what is deployed: the smoothed network at its sigma (-log of the mean softmax
    of `draws` copies), and the selector, by gradient through a selector network and otherwise by
    picking sigma again every `reselect` steps. A selector picks again on the attacked image before
    that is judged. All points of one strength have the same steps, copies and step lengths.

    Fields:
        selectors: who else picks sigma, beside the fixed ones of `sigmas`.
        strengths: of "weaker", "stronger".
        dataset, indices: where the images come from, for the result; positions by default.
    """

    sigmas: tuple[float, ...] = param(
        (0.25, 0.5, 1.0), help="fixed noise levels, the baseline g", unit=UNIT,
        low=0, high=SIGMA_MAX, low_open=True,
    )  # fmt: skip
    gammas: tuple[float, ...] = param(
        (0.1, 0.3, 0.5), help="attack budgets, l2", unit=UNIT, low=0, high=1000, low_open=True
    )
    weak_steps: int = param(40, help="steps of the weaker attack; 200 published", low=1, high=1e4)
    strong_steps: int = param(
        20, help="steps of the stronger attack; 500 published", low=1, high=1e4
    )
    draws: int = param(4, help="noisy copies per step of the stronger attack", low=1, high=10_000)
    reach: float = param(
        2.5, help="length of all steps together, in budgets", low=0, high=1000, low_open=True
    )
    reselect: int = param(10, help="steps between two choices of sigma", low=1, high=10_000)
    n: int = param(1000, help="noisy copies that vote", low=1, high=1e8)
    alpha: float = param(
        1e-3,
        help="level of PREDICT, which abstains where its votes are too close",
        low=0,
        high=0.5,
        low_open=True,
    )
    selectors: tuple[Selector, ...] = ()
    strengths: tuple[str, ...] = field(
        default=STRENGTHS, metadata={"help": f"attacks: {', '.join(STRENGTHS)}"}
    )
    dataset: str = ""
    indices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_params(self)
        object.__setattr__(self, "sigmas", check_grid("sigmas", self.sigmas))
        object.__setattr__(self, "gammas", check_grid("gammas", self.gammas))
        check_decidable(self.n, self.alpha)
        if not all(isinstance(selector, Selector) for selector in self.selectors):
            raise ParameterError("every selector must be one of rs_core.selectors: give such.")
        for selector in self.selectors:
            check_gaussian(selector)
        known = not isinstance(self.strengths, str) and set(self.strengths) <= set(STRENGTHS)
        if not known or not self.strengths:
            raise ParameterError(
                f"strengths={shown(self.strengths)}: give some of {', '.join(STRENGTHS)}."
            )
        ordered = tuple(strength for strength in STRENGTHS if strength in self.strengths)
        object.__setattr__(self, "strengths", ordered)

    @classmethod
    def published(cls, **changes: Any) -> "Frontier":
        """Experiment B's numbers: 200 and 500 steps, N = 1,000, sigma_a of .12 to 1, 10 copies.

        The paper names neither norm nor step: l2 and 2.5 gamma / steps here.
        """
        settings: dict[str, Any] = {
            "sigmas": (0.12, 0.25, 0.5, 1.0), "gammas": (0.1, 0.3, 0.5), "weak_steps": 200,
            "strong_steps": 500, "draws": 10, "reselect": 1, "n": 1000,
        }  # fmt: skip
        return cls(**{**settings, **changes})

    def check(self, classifier: Classifier, images: Sequence[ImageInput]) -> None:
        """Refuse, before anything is drawn, images or networks that a part cannot take."""
        check_repeatable(classifier)
        check_labelled(classifier, images, self.indices)
        for selector in self.selectors:
            selector.check(classifier, images)

    def cost(self, images: int, *, random: bool = False) -> int:
        """Forward passes, at most; one with its backward pass counts as three.

        Args:
            random: as for the other studies; this one takes no such network.
        """
        methods = methods_of(self.sigmas, self.selectors)
        total = sum(method.cost(images, self.n) for method in methods)
        for gamma in self.gammas:
            if "weaker" in self.strengths:
                total += attack_cost(pgd_of(self._facts("weaker"), gamma), images)
            for method in methods:
                total += method.cost(images, self.n) * len(self.strengths)
                if "stronger" in self.strengths:
                    attack = method.attack(self._facts("stronger"), gamma, self.reselect)
                    total += attack_cost(attack, images)
        return total

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[FrontierStudy]:
        """Yields `StudyStep`s, then the study; every image must have a label.

        Raises:
            ParameterError: no image, one without a label or of another shape, a selector that
                cannot take them, or a network that injects noise of its own.
        """
        self.check(classifier, images)
        about = study_set(classifier, images, self.dataset, self.indices, check_seed(seed))
        facts = tuple(varied(self._facts(strength)) for strength in self.strengths)
        progress = StudyProgress(
            self.cost(len(images)),
            FrontierStudy(about, facts, self.n, self.alpha, (), PREDICTED),
        )
        options = {"seed": seed, "batch_size": batch_size}
        methods = methods_of(self.sigmas, self.selectors)
        clean = []
        for method in methods:
            found = yield from method.judged(
                progress, classifier, images, self.n, self.alpha, **options
            )
            clean.append(found)
        for gamma in self.gammas:
            if "weaker" in self.strengths:
                weaker = yield from attacked(
                    progress, pgd_of(self._facts("weaker"), gamma), classifier, images,
                    f"weaker attack, gamma {gamma:g}", **options,
                )  # fmt: skip
                for method, own in zip(methods, clean, strict=True):
                    yield from self._add(
                        progress, classifier, weaker, method, own, "weaker", gamma, options
                    )
            for method, own in zip(methods, clean, strict=True):
                if "stronger" in self.strengths:
                    attack = method.attack(self._facts("stronger"), gamma, self.reselect)
                    stronger = yield from attacked(
                        progress, attack, classifier, images,
                        f"stronger attack on {method.words}, gamma {gamma:g}", **options,
                    )  # fmt: skip
                    yield from self._add(
                        progress, classifier, stronger, method, own, "stronger", gamma, options
                    )
        yield Finished(progress.partial)

    def _add(
        self,
        progress: StudyProgress[FrontierStudy],
        classifier: Classifier,
        moved: Sequence[ImageInput],
        method: Deployed,
        clean: Verdicts,
        strength: str,
        gamma: float,
        options: dict[str, int],
    ) -> Generator[Step, None, None]:
        """Judge these images and add the point to the study."""
        robust = yield from method.judged(
            progress, classifier, moved, self.n, self.alpha, **options
        )
        point = FrontierPoint(
            method.name, method.settings, clean.sigma, strength, gamma,
            clean.correct, robust.correct, clean.abstained, robust.abstained,
        )  # fmt: skip
        study = progress.partial
        progress.partial = replace(study, points=(*study.points, point))

    def _facts(self, strength: str) -> AttackFacts:
        weak = strength == "weaker"
        return AttackFacts(
            strength, "l2", 0.0, self.weak_steps if weak else self.strong_steps,
            1 if weak else self.draws, self.reach,
        )  # fmt: skip
