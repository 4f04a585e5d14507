"""What is quoted of a run on labelled images: accuracy, certified accuracy, ACR, attacked accuracy.

One rule throughout, that of Cohen et al. (2019): an abstention counts as wrong. How many there are
stands beside every number, and the standard error is that of images drawn at random.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from rs_core.results import Certificate, Prediction
from rs_core.results.attack_trial import AttackTrial
from rs_core.results.study import share
from rs_core.statistics import ceil_digits, floor_decimals

_RADII = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)  # Cohen et al. report these
T = TypeVar("T")
_BACKING = {
    "A": "against anyone",
    "B": "conditional on a frozen state",
    "C": "each held at its own {}",
    "D": "empirical",
}


@dataclass(frozen=True)
class CertifiedAccuracy:
    """Images that are certified with their true class at a radius or more, and their share."""

    radius: float
    correct: int
    accuracy: float
    standard_error: float


@dataclass(frozen=True)
class CertifiedSummary:
    """What certificates of labelled images say together, at one sigma or one way of choosing it.

    Fields:
        images, abstained: counts.
        certified: at growing radii, in the certificates' norm, pixels of [0,1].
        acr: average certified radius, where an abstention and a wrong class count 0.
        badges: of the certificates, strongest first.
        norm: of the radii.
    """

    images: int
    abstained: int
    certified: tuple[CertifiedAccuracy, ...]
    acr: float
    badges: tuple[str, ...] = ("A",)
    norm: str = "l2"

    @property
    def words(self) -> str:
        """One line."""
        at = ", ".join(
            f"at {one.radius:g} {one.accuracy:.3f} ({one.standard_error:.3f})"
            for one in self.certified
        )
        level = "lambda" if self.norm == "l1" else "sigma"
        backing = " and ".join(f"{badge}, {_BACKING[badge].format(level)}" for badge in self.badges)
        claim = "" if self.badges == ("A",) else f"{backing}: "
        norm = "l1 " if self.norm == "l1" else ""
        return (
            f"{claim}certified accuracy (standard error) of {self.images} images: {at}; average "
            f"certified {norm}radius {floor_decimals(self.acr, 3)}; {self.abstained} abstained, "
            "which counts as wrong"
        )


def _pairs(labels: Sequence[int | None], found: Sequence[T]) -> list[tuple[int | None, T]]:
    """What was found beside each label; empty unless every image has a label."""
    return [] if None in labels else list(zip(labels, found, strict=True))


def certified_summary(
    labels: Sequence[int | None], certificates: Sequence[Certificate]
) -> CertifiedSummary | None:
    """The summary; None unless every image has a label, and there is one at all."""
    pairs = _pairs(labels, certificates)
    if not pairs:
        return None
    radii = [one.radius for label, one in pairs if one.predicted == label]
    certified = []
    for radius in _RADII:
        count = sum(own >= radius for own in radii)
        if radius == 0 or count:
            certified.append(CertifiedAccuracy(radius, count, *share(count, len(labels))))
    silent = sum(one.predicted is None for one in certificates)
    return CertifiedSummary(
        len(labels), silent, tuple(certified), sum(radii) / len(labels),
        tuple(sorted({one.guarantee for one in certificates})), certificates[0].norm,
    )  # fmt: skip


@dataclass(frozen=True)
class PredictedSummary:
    """Accuracy of PREDICT on labelled images, and of the majority, abstention or not."""

    images: int
    abstained: int
    correct: int
    accuracy: float
    standard_error: float
    majority_accuracy: float


def predicted_summary(
    labels: Sequence[int | None], predictions: Sequence[Prediction]
) -> PredictedSummary | None:
    """The summary; None unless every image has a label, and there is one at all."""
    pairs = _pairs(labels, predictions)
    if not pairs:
        return None
    correct = sum(one.predicted == label for label, one in pairs)
    majority = sum(_majority(one) == label for label, one in pairs)
    silent = sum(one.predicted is None for one in predictions)
    total = len(labels)
    return PredictedSummary(total, silent, correct, *share(correct, total), majority / total)


def _majority(prediction: Prediction) -> int:
    return max(range(len(prediction.counts)), key=prediction.counts.__getitem__)


@dataclass(frozen=True)
class AttackedSummary:
    """Accuracy on labelled images as they are and attacked: badge D, not a guarantee.

    Fields:
        images: all of them; those misclassified as they are count as wrong, as in AutoAttack and
            RobustBench.
        clean, attacked: images that the target still names correctly.
        clean_abstained, attacked_abstained: images on which PREDICT abstains, which are wrong.
        clean_accuracy, attacked_accuracy: shares. The second is the accuracy of PREDICT with
            `n` copies, an abstention counted as wrong; another attack may find more.
        clean_error, attacked_error: standard errors.
        n: noisy copies of one PREDICT; None for the network itself, which has no noise.
        undecided: images of a smoothed network that nothing shows to be wrong, but on which
            PREDICT abstains, as they are or attacked.
        upper_bound: of the robust accuracy, (attacked + undecided) / images: where PREDICT
            abstains, the smoothed network itself may be right.
    """

    images: int
    clean: int
    clean_abstained: int
    clean_accuracy: float
    clean_error: float
    attacked: int
    attacked_abstained: int
    attacked_accuracy: float
    attacked_error: float
    n: int | None
    undecided: int
    upper_bound: float

    @property
    def words(self) -> str:
        """Two sentences, and a third where PREDICT abstains on what nothing shows to be wrong."""
        silent, still, bound = "", "", ", an upper bound of the robust accuracy"
        if self.clean_abstained or self.attacked_abstained:
            silent = (
                f", and so does one on which PREDICT abstains ({self.clean_abstained} as they are, "
                f"{self.attacked_abstained} attacked)"
            )
        if self.undecided:
            bound = ""
            still = (
                f" The smoothed network itself may be right on {self.undecided} of those: the "
                "upper bound of its robust accuracy is "
                f"({self.attacked} + {self.undecided}) / {self.images} = "
                f"{ceil_digits(self.upper_bound, 3)}."
            )
        whose = "accuracy" if self.n is None else f"accuracy of PREDICT with {self.n:,} copies"
        return (
            f"D Empirical: {whose} under this attack {self.attacked_accuracy:.3f} "
            f"({self.attacked_error:.3f}), {self.attacked} of {self.images} images{bound}; "
            f"as they are {self.clean_accuracy:.3f} ({self.clean_error:.3f}). All {self.images} "
            f"count: one misclassified as it is counts as wrong{silent}.{still}"
        )


def attacked_summary(trial: AttackTrial) -> AttackedSummary | None:
    """The summary; None unless every image has a label.

    An image counts as right under attack if it is right as it is, nothing was confirmed, and the
    vote on what the attack left still returns its class.
    """
    if not trial.labels or None in trial.labels:
        return None
    before = [ballot.predicted(trial.level) for ballot in trial.before]
    after = [ballot.predicted(trial.level) for ballot in trial.after]
    rows = list(zip(trial.labels, before, after, trial.results, strict=True))
    clean = sum(said == label for label, said, _, _ in rows)
    held = sum(
        label == said == still and not result.confirmed for label, said, still, result in rows
    )
    possible = held
    if trial.smoothed:  # the network itself never hides a class behind an abstention
        possible = sum(
            {said, still} <= {None, label} and not result.confirmed
            for label, said, still, result in rows
        )
    total = len(rows)
    return AttackedSummary(
        total,
        clean, sum(said is None for said in before), *share(clean, total),
        held, sum(said is None for said in after), *share(held, total),
        trial.n if trial.smoothed else None, possible - held, possible / total,
    )  # fmt: skip
