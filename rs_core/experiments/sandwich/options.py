"""What a sandwich is made with: a certificate's settings, an attack's, and a confirmation's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from rs_core.attacks import Attack, Confirm, Minimal, Square
from rs_core.classifiers import Classifier
from rs_core.events import Finished, Step, Stream
from rs_core.fields import param
from rs_core.images import ImageInput
from rs_core.results import Selection
from rs_core.selectors import Selector
from rs_core.smoothing.options import SIGMA_MAX, CertifyOptions
from rs_core.smoothing.sampling import BATCH_SIZE
from rs_core.statistics import add_risks

UNIT = "pixels of [0,1]"
AttackName = Literal["minimal", "bisection", "square"]
_BACKWARD = 3  # a pass forward and back costs about as much as three forward passes
_CLEAN = 16  # noisy copies that say whether an image is misclassified as it is
# Judgements of DDN's end, which is pushed out, drawn in and judged again, and of the search's end.
_DECAY, _END = 5 + 1 + 2, 5 + 8
_BESIDE = 3  # choices of sigma of a search beside those of its steps and judgements


@dataclass(frozen=True, kw_only=True)
class SandwichOptions(CertifyOptions):
    """The settings of a sandwich, but for who picks sigma.

    The attack looks for the smallest norm: "minimal" by DDN's norm decay and then by bisection of
    eps over EPGD, "bisection" by the latter alone; with draws=1 each step sees one noisy copy, as
    PGD does. "square" needs no gradients: random search on the sphere of radius eps, drawn towards
    the image afterwards, in as many looks.
    """

    sigma: float | None = param(
        None, help="noise level fixed beforehand; none where a selector picks it",
        unit="pixels of [0,1]", low=0, high=SIGMA_MAX, low_open=True,
    )  # fmt: skip
    attack: AttackName = param(
        "minimal", help="minimal, bisection alone, or square (needs no gradients)",
        choices=("minimal", "bisection", "square"),
    )  # fmt: skip
    eps: float = param(
        3.0, help="largest l2 norm that the attack looks at", unit=UNIT, low=0, high=1000,
        low_open=True,
    )  # fmt: skip
    steps: int = param(40, help="gradient steps per round", low=1, high=10_000)
    draws: int = param(16, help="noisy copies per image and step (m)", low=1, high=10_000)
    rounds: int = param(12, help="rounds of bisection", low=1, high=40)
    restarts: int = param(1, help="searches from other starts; the nearest counts", low=1, high=10)
    judged: int = param(
        128, help="noisy copies that decide what the attack keeps", low=1, high=32_768
    )
    confirm_n: int = param(4000, help="fresh noisy copies per PREDICT", low=1, high=1e8)
    alpha_attack: float = param(
        1e-3, help="probability that the upper end is false", low=0, high=0.5, low_open=True
    )
    confirmations: int = param(8, help="most PREDICTs per attack (m)", low=2, high=100)
    stretch: float = param(
        0.01, help="first step of confirmations along the perturbation, as a share of the norm",
        low=0, high=1,
    )  # fmt: skip
    pipeline: bool = param(
        False, help="also attack the system that picks sigma again; needs a selector"
    )
    reselect: int = param(
        10, help="steps of that attack between two choices of sigma", low=1, high=10_000
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.confirming()  # refuses a confirm_n that could never confirm anything

    @property
    def statements(self) -> int:
        """How many statements are made of each image: of either end, and of the second row."""
        return 2 + self.pipeline

    @property
    def risk(self) -> float:
        """Probability, at most, that some statement about an image is false."""
        return add_risks(self.alpha, *[self.alpha_attack] * (1 + self.pipeline))

    @property
    def looks(self) -> int:
        """Steps of one search."""
        return (self.rounds + (self.attack != "bisection")) * self.steps

    @property
    def attack_cost(self) -> int:
        """Forward passes of one image's searches; one forward and back counts as three."""
        looking = self.judged if self.attack == "square" else _BACKWARD * self.draws
        return self.restarts * (_CLEAN + looking * self.looks + self.judgements * self.judged)

    @property
    def judgements(self) -> int:
        """Of one search, beside square's steps; a round judges its best and its last point."""
        if self.attack == "square":
            return _END
        return 2 * self.rounds + _DECAY * (self.attack == "minimal") + _END

    @property
    def picks(self) -> int:
        """The most choices of sigma in an attack on the pipeline, confirmations among them."""
        parts = self.looks // self.steps
        again = self.looks if self.attack == "square" else parts * -(-self.steps // self.reselect)
        return self.restarts * (_BESIDE + again + self.judgements) + self.confirmations

    @property
    def confirm_cost(self) -> int:
        """The most noisy copies that one attack's confirmations can ask."""
        return self.confirmations * self.confirm_n

    def attacker(self, selector: Selector, reselect: int = 0) -> Attack:
        """The attack, at the sigmas that `selector` answers; frozen where `reselect` is 0."""
        if self.attack == "square":
            return Square(
                sigma=None, selector=selector, reselect=reselect, norm="l2", eps=self.eps,
                queries=self.looks, judged=self.judged, refine=8,
            )  # fmt: skip
        return Minimal(
            sigma=None, selector=selector, reselect=reselect, eps=self.eps, steps=self.steps,
            draws=self.draws, rounds=self.rounds, judged=self.judged,
            method="bisection" if self.attack == "bisection" else "both",
        )  # fmt: skip

    def confirming(self, selector: Selector | None = None) -> Confirm:
        """Who asks fresh noise; with a selector sigma is picked for the adversarial image."""
        return Confirm(
            n=self.confirm_n, alpha=self.alpha_attack, confirmations=self.confirmations,
            stretch=self.stretch, noise=self.noise, selector=selector,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Held(Selector):
    """The sigma at which each image was certified, by its digest and label; it picks nothing."""

    name: ClassVar[str] = "held"

    sigmas: Mapping[tuple[str, int | None], float] = field(default_factory=dict)

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Selection, ...]]:
        """Yields one step, then each image's own sigma."""
        yield Step(done=len(images), total=len(images))
        levels = [self.sigmas[image.digest, image.label] for image in images]
        yield Finished(tuple(Selection(self.name, sigma, (), 0) for sigma in levels))
