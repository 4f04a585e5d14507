"""What studies of attacked images say: accuracies with their standard errors; plain numbers.

All of it is badge D: accuracy under a named attack, on named images. A stronger attack may find
less, and nothing here is a guarantee.
"""

import math
from dataclasses import dataclass

NONE = "none"  # the attack that leaves images as they are
ATTACK_KINDS = (NONE, "pgd", "epgd")
STRENGTHS = ("weaker", "stronger")
PREDICTED = "predict"  # what a frontier counts as right
TOP_CLASS = "top class"  # and what it did in older versions


@dataclass(frozen=True)
class StudySet:
    """Which network and which images.

    Fields:
        network: its name.
        weights_id: of its weights.
        dataset: where the images come from, in words; "" for single pictures.
        indices: of the images in that data set; their positions for single pictures.
        seed: of attacks and noise.
        notes: what should be known of these numbers.
        precision: that the network computed in; "" where an older version did not say.
    """

    network: str
    weights_id: str
    dataset: str
    indices: tuple[int, ...]
    seed: int
    notes: tuple[str, ...] = ()
    precision: str = ""

    @property
    def images(self) -> int:
        """How many."""
        return len(self.indices)


@dataclass(frozen=True)
class AttackFacts:
    """How images were attacked.

    Fields:
        name: "none", "pgd" (on the network), "epgd" (on the smoothed network), "weaker" or
            "stronger" (Hase et al., experiment B).
        norm: of the ball.
        eps: its radius in pixels of [0,1]; NaN where a study varies it.
        steps: gradient steps.
        draws: noisy copies per step; 1 on the network itself.
        reach: length of all steps together, in radii of the ball.
    """

    name: str
    norm: str
    eps: float
    steps: int
    draws: int
    reach: float

    def words(self, eps: float | None = None) -> str:
        """e.g. "PGD, l2 0.5, 40 steps; not a guarantee"."""
        size = self.eps if eps is None else eps
        if self.name == NONE or size == 0:
            return "no attack"
        kind = {"pgd": "PGD", "epgd": "EPGD"}.get(self.name, f"{self.name} attack: PGD")
        ball = self.norm if math.isnan(size) else f"{self.norm} {size:.4g}"
        copies = f" x {self.draws} copies" if self.draws > 1 else ""
        return f"{kind}, {ball}, {self.steps} steps{copies}; not a guarantee"


@dataclass(frozen=True)
class NoisePoint:
    """How many images one voted network names correctly at one noise level.

    Fields:
        attack: of `AttackFacts`.
        sigma: pixels of [0,1]; 0 is the network without added noise.
        vote: the rule, a name of `VOTES`.
        samples: noisy copies that vote, M.
        correct: images.
    """

    attack: str
    sigma: float
    vote: str
    samples: int
    correct: int


@dataclass(frozen=True, eq=False)
class NoiseStudy:
    """Accuracy against noise strength: Nemcovsky et al. (SIAM), Figs. 1 to 3.

    The points of one attack and sigma are of the same attacked images and the same copies: the
    first M of the most. `second` is c of the rule top2.
    """

    about: StudySet
    attacks: tuple[AttackFacts, ...]
    second: float
    points: tuple[NoisePoint, ...]


@dataclass(frozen=True)
class StrengthPoint:
    """How many images are named correctly at one attack radius.

    Fields:
        network: "plain" or "smoothed".
        attack: of `AttackFacts`.
        eps: radius of the ball, pixels of [0,1]; 0 for images as they are.
        correct: images.
    """

    network: str
    attack: str
    eps: float
    correct: int


@dataclass(frozen=True, eq=False)
class StrengthStudy:
    """Accuracy against attack radius: Nemcovsky et al. (SIAM), Fig. 4."""

    about: StudySet
    attacks: tuple[AttackFacts, ...]
    sigma: float
    samples: int
    vote: str
    points: tuple[StrengthPoint, ...]


@dataclass(frozen=True)
class FrontierPoint:
    """One way of choosing sigma under one attack: Hase et al., experiment B.

    Fields:
        method: "fixed" or the selector's name.
        settings: what tells methods of one name apart, in words.
        sigma: the mean that was used on images as they are, pixels of [0,1].
        strength: "weaker" (on the network alone) or "stronger" (through what is deployed).
        gamma: attack budget, l2, pixels of [0,1].
        clean, robust: images that count as right, as they are and attacked.
        clean_abstained, robust_abstained: images on which PREDICT abstains.
    """

    method: str
    settings: str
    sigma: float
    strength: str
    gamma: float
    clean: int
    robust: int
    clean_abstained: int
    robust_abstained: int


@dataclass(frozen=True, eq=False)
class FrontierStudy:
    """Clean against robust accuracy: Hase et al., Figs. 6 to 9.

    Fields:
        n: copies that vote.
        alpha: level of PREDICT.
        rule: what counts as right: PREDICT's answer, where an abstention is wrong as in Cohen et
            al. (2019); in studies of older versions the top class, abstention or not.
    """

    about: StudySet
    attacks: tuple[AttackFacts, ...]
    n: int
    alpha: float
    points: tuple[FrontierPoint, ...]
    rule: str = TOP_CLASS


Study = NoiseStudy | StrengthStudy | FrontierStudy


def share(count: int, images: int) -> tuple[float, float]:
    """(accuracy, standard error over the images); NaN of no images.

    The error is that of images drawn at random: half of Wilson's interval at one standard error,
    which tends to sqrt(p (1 - p) / images) and is not 0 where none or all of the images count.
    """
    if not images:
        return math.nan, math.nan
    p = count / images
    return p, math.sqrt(p * (1 - p) / images + 1 / (4 * images**2)) / (1 + 1 / images)


def facts_of(study: Study, attack: str) -> AttackFacts:
    """The attack of that name."""
    return next(facts for facts in study.attacks if facts.name == attack)
