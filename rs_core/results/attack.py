"""What attacks return: plain numbers and numpy arrays, in the JSON form of `results`."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from rs_core.results import Noise

# The note of a certified class that is not the true one; older attacks left it too.
MISCLASSIFIED = "misclassified as it is: upper bound 0"
# The notes of an attack that moved nothing: copies of its own, which confirm nothing.
ALREADY = "16 copies of the attack already answered what it wants"
ALREADY_ITSELF = "the network itself already answers what the attack wants"
UNMOVED = (ALREADY, ALREADY_ITSELF, MISCLASSIFIED)


@dataclass(frozen=True)
class Confirmation:
    """What PREDICT said of one adversarial image on noise that the attack never saw.

    Fields:
        predicted: the class it returned, or None for abstain.
        counts: K+1 votes, INVALID last; of the network itself one vote.
        sigma: pixels of [0,1]; None for the network itself.
        n: fresh noisy copies; 1 for the network itself.
        alpha: level of this one PREDICT, the declared alpha over the declared number of them.
        noise: under which the copies were made.
    """

    predicted: int | None
    counts: tuple[int, ...]
    sigma: float | None
    n: int
    alpha: float
    noise: Noise = "gaussian"


@dataclass(frozen=True, eq=False)
class AttackResult:
    """The adversarial image that an attack found for one image, and what is known of it.

    `success` is the attack's own opinion, on its own draws; only `confirmed` counts, and it is
    None until somebody asked. Norms are of `adversarial` minus the image, in pixels of [0,1].

    Fields:
        attack: its name in `ATTACKS`.
        target: what was attacked, in words.
        label: the class that the image had to leave.
        goal: the class that it had to reach, or None for any other.
        adversarial: float32 (C, H, W) in [0,1].
        success: whether the target's own draws vote for another class (for the goal).
        l2, linf: norms of the perturbation; 0 for an image that was misclassified beforehand.
        stored_l2, stored_linf: the same of `stored`, the image as an 8-bit file holds it.
        loss_trace: what the attack climbed, step by step, on the run that was kept.
        sigma: noise level that the target used at the end, or None for the network itself.
        passes: forward and backward passes spent, a forward pass alone counted as a third.
        confirmed: PREDICT on fresh noise returned another class (the goal); None if not asked.
        stored_confirmed: the same for `stored`.
        confirmations: every PREDICT that was spent, in order, the one of `stored` last.
        notes: warnings, and what should be known of this result.
        precision: that the target computed in; "" where an older version did not say.
        seed_given: whether somebody gave the seed, or it was drawn; None where nobody said.
    """

    attack: str
    target: str
    label: int
    goal: int | None
    adversarial: np.ndarray = field(repr=False)
    success: bool
    l2: float
    linf: float
    stored_l2: float
    stored_linf: float
    loss_trace: tuple[float, ...] = field(repr=False)
    sigma: float | None
    passes: float
    weights_id: str
    image_digest: str
    seed: int
    confirmed: bool | None = None
    stored_confirmed: bool | None = None
    confirmations: tuple[Confirmation, ...] = ()
    notes: tuple[str, ...] = ()
    precision: str = ""
    seed_given: bool | None = None

    @property
    def stored(self) -> np.ndarray:
        """The image as an 8-bit file holds it: float32 (C, H, W), whole multiples of 1/255."""
        return as_stored(self.adversarial)


def unreached(result: AttackResult, class_text: Callable[[int], str]) -> str:
    """What PREDICT did on the image of an attack that it did not confirm, as a verb.

    Without a goal it returned no other class; with one it may have, only not the goal.
    """
    if result.goal is None:
        return "returned no other class"
    said = dict.fromkeys(one.predicted for one in result.confirmations)
    did = ["abstained" if k is None else f"returned {class_text(k)}" for k in said]
    return f"did not return {class_text(result.goal)}, but {' or '.join(did)}"


def as_stored(pixels: np.ndarray) -> np.ndarray:
    """Pixels of [0,1] rounded to 8 bits, float32."""
    levels = np.round(pixels.astype(np.float64) * 255).astype(np.float32)
    return np.asarray(levels / np.float32(255), dtype=np.float32)


def norms(pixels: np.ndarray, image: np.ndarray) -> tuple[float, float]:
    """(l2, linf) of the difference of two images, in float64."""
    gap = (pixels.astype(np.float64) - image.astype(np.float64)).ravel()
    return float(np.sqrt(gap @ gap)), float(np.abs(gap).max())


@dataclass(frozen=True, eq=False)
class TransferMatrix:
    """How often adversarial images made on source networks fool target networks.

    Fields:
        sources: names, one per row.
        attacks: the attack of each row.
        targets: names, one per column.
        rates: (rows, columns) share of the images whose label the target does not return: another
            class, or an abstention.
        clean: (columns,) the same share for the images as they are.
        images: how many.
        alpha: level of one PREDICT.
        abstained: (rows, columns) share of the images on which the target abstains, part of
            `rates`; None from an older version, which counted abstentions as not lost.
        clean_abstained: (columns,) the same for the images as they are.
    """

    sources: tuple[str, ...]
    attacks: tuple[str, ...]
    targets: tuple[str, ...]
    rates: np.ndarray
    clean: np.ndarray
    images: int
    alpha: float
    abstained: np.ndarray | None = None
    clean_abstained: np.ndarray | None = None


@dataclass(frozen=True)
class AttackCheck:
    """Whether an attack can be trusted on these images; no warnings is no proof.

    Fields:
        success: share of images that the attack fools within its own budget.
        unbounded: the same with no limit but the pixel box; anything below 1 is suspect.
        gradient_free: the same for an attack without gradients, same budget.
        noise: the same for noise of the same norm.
        warnings: sentences, empty where nothing was seen.
    """

    success: float
    unbounded: float
    gradient_free: float
    noise: float
    warnings: tuple[str, ...]
