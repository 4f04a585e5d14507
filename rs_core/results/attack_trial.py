"""One attack tried on images: what it found, and how the vote shifted; plain numbers, no torch."""

from dataclasses import dataclass
from typing import Any

from rs_core.results.attack import UNMOVED, AttackCheck, AttackResult
from rs_core.statistics import add_risks, top_two_p_value

# Attacks that look for the smallest norm and end on the border, where fresh noise hesitates.
SMALLEST = ("ddn", "cw", "minimal")


@dataclass(frozen=True)
class Ballot:
    """How an image is voted on, on noise that neither the attack nor its confirmation saw.

    Fields:
        counts: K+1 votes, INVALID last; of the network itself one vote.
        scores: (K,) mean softmax of the copies, 0 for those with NaN or infinite logits.
        sigma: pixels of [0,1]; None for the network itself.
        n: noisy copies; 1 for the network itself.
    """

    counts: tuple[int, ...]
    scores: tuple[float, ...]
    sigma: float | None
    n: int

    @property
    def shares(self) -> tuple[float, ...]:
        """(K+1,) share of the votes, INVALID last; of the network itself its softmax."""
        if self.sigma is None:
            return (*self.scores, float(self.counts[-1]))
        return tuple(count / self.n for count in self.counts)

    def predicted(self, alpha: float) -> int | None:
        """The class that PREDICT returns on these votes at level alpha; None for abstain."""
        ranked = sorted(range(len(self.counts)), key=lambda k: -self.counts[k])
        first, second = ranked[:2]
        if first == len(self.counts) - 1:
            return None
        if self.sigma is None:
            return first
        sure = float(top_two_p_value(self.counts[first], self.counts[second])) <= alpha
        return first if sure else None


@dataclass(frozen=True, eq=False)
class AttackTrial:
    """What one attack did to some images, confirmed on fresh noise, with the vote shift.

    Nothing here certifies anything: an attack that finds nothing is no proof (badge D).

    Fields:
        attack: its name in `ATTACKS`.
        settings: of its fields, JSON values.
        selector: who picks sigma where the pipeline was attacked, else None.
        selector_settings: of its fields, JSON values.
        names: of the images.
        labels: their true classes, None where unknown; the class to leave is each result's own.
        results: one per image.
        before, after: how the image as it is, and the adversarial one, are voted on; of a pipeline
            each at the sigma that its selector picks there.
        check: whether the attack can be trusted, if that was asked.
        n, alpha, confirmations: of the PREDICTs that confirm: copies each, the error of all that
            are asked about one image, the most of them.
        dataset, indices: where the images come from; "" and positions for no single set.
    """

    attack: str
    settings: dict[str, Any]
    selector: str | None
    selector_settings: dict[str, Any]
    names: tuple[str, ...]
    labels: tuple[int | None, ...]
    results: tuple[AttackResult, ...]
    before: tuple[Ballot, ...]
    after: tuple[Ballot, ...]
    check: AttackCheck | None
    n: int
    alpha: float
    confirmations: int
    dataset: str = ""
    indices: tuple[int, ...] = ()

    @property
    def norm(self) -> str:
        """In which the attack measures; ddn and cw know l2 alone."""
        return str(self.settings.get("norm", "l2"))

    @property
    def level(self) -> float:
        """Of one PREDICT."""
        return self.alpha / self.confirmations

    @property
    def risk(self) -> float:
        """Of all that is said of one image: the confirmation, and PREDICT before and after."""
        return trial_risk(self.alpha, self.confirmations) if self.smoothed else 0.0

    @property
    def smoothed(self) -> bool:
        """Whether noise was voted on."""
        return self.selector is not None or self.settings.get("sigma") is not None


STATEMENTS = 3  # about one image: its confirmation, and what PREDICT says before and after


def trial_risk(alpha: float, confirmations: int) -> float:
    """The risk of a trial's statements about one image, of a smoothed network.

    Args:
        alpha: of the confirmation, whose PREDICTs share it.
        confirmations: how many PREDICTs that are; those before and after are at the same level.
    """
    level = alpha / confirmations
    return add_risks(alpha, level, level)


def is_already(result: AttackResult) -> bool:
    """Whether the attack moved nothing, because its own copies answered as it wants."""
    return any(note in UNMOVED for note in result.notes)
