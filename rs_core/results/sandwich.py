"""A certificate below and an attack above the same unknown number; plain numbers, no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rs_core.results import Certificate
from rs_core.results.attack import AttackResult
from rs_core.statistics import add_risks

_BACKWARD = 3  # forward passes that a pass forward and back takes as long as


@dataclass(frozen=True, eq=False)
class Sandwich:
    """What is known of one image's true radius: certified radius <= true <= confirmed attack.

    The true radius is the distance to the nearest image that the smoothed classifier, held at
    the certificate's sigma, gives another class than `label`, which is 0 where it is wrong here;
    without a label, another class than the one it gives here. Both ends concern that classifier
    and hold together with probability 1 - (certificate.alpha + the attack's alpha).

    Fields:
        name, label: of the image; label is its true class, None if unknown.
        certificate: the lower end.
        attack: the upper end, of the smoothed classifier frozen at `certificate.sigma`; None where
            none was needed, because the image is misclassified as it is, and where no class is
            known that it could leave.
        pipeline: an attack on the system that picks sigma again for every image it is shown, of
            which nothing is certified; None where it was not asked for.
        notes: what should be known of both ends, e.g. that the image is misclassified as it is.
    """

    name: str
    label: int | None
    certificate: Certificate
    attack: AttackResult | None
    pipeline: AttackResult | None = None
    notes: tuple[str, ...] = ()

    @property
    def misclassified(self) -> bool:
        """Whether the certified class is not the true one: no change is needed, both ends are 0."""
        predicted = self.certificate.predicted
        return None not in (self.label, predicted) and predicted != self.label

    @property
    def lower(self) -> float:
        """The certified radius of the right answer; 0 for abstain and for a wrong class."""
        return 0.0 if self.misclassified else self.certificate.radius

    @property
    def upper(self) -> float | None:
        """The smallest confirmed norm; 0 for a misclassified image, None where none was found."""
        return 0.0 if self.misclassified else confirmed_norm(self.attack)

    @property
    def hollow(self) -> float | None:
        """The norm of a success that fresh noise did not confirm: no end, but worth showing."""
        return unconfirmed_norm(self.attack)

    @property
    def stored_upper(self) -> float | None:
        """The norm of the adversarial image as an 8-bit file holds it, if that was confirmed."""
        if self.misclassified:
            return 0.0
        attack = self.attack
        return attack.stored_l2 if attack is not None and attack.stored_confirmed else None

    @property
    def gap(self) -> float | None:
        """Upper minus lower end, negative where they cross; None without an upper end."""
        return None if self.upper is None else self.upper - self.lower

    @property
    def consistent(self) -> bool:
        """Whether the ends do not cross. Crossing: an alpha event, two classifiers, or a bug."""
        return self.gap is None or self.gap >= 0


def confirmed_norm(attack: AttackResult | None) -> float | None:
    """The smallest l2 norm that fresh noise confirmed, its 8-bit copy's too; None without one."""
    if attack is None or not attack.confirmed:
        return None
    return min(attack.l2, attack.stored_l2) if attack.stored_confirmed else attack.l2


def unconfirmed_norm(attack: AttackResult | None) -> float | None:
    """The l2 norm of a success that is the attack's own opinion only; None for any other."""
    return attack.l2 if attack is not None and attack.success and not attack.confirmed else None


@dataclass(frozen=True)
class SandwichRow:
    """One image of a strip under way, in plain numbers.

    Fields:
        index: position among the images.
        name: of the image.
        lower: certified so far, at every moment valid by itself; 0 for a class known to be wrong.
        lower_final: whether `lower` is the finished certificate's.
        hollow: smallest norm that the attack's own copies call adversarial; no upper end.
        upper: smallest confirmed norm, 0 for a misclassified image; None before, and for none.
        done: whether nothing more will be asked of this image.
    """

    index: int
    name: str
    lower: float = 0.0
    lower_final: bool = False
    hollow: float | None = None
    upper: float | None = None
    done: bool = False


@dataclass(frozen=True, eq=False)
class SandwichStrip:
    """Sandwiches of several images, made with the same settings.

    Fields:
        sandwiches: one per image, in the order in which they were given.
        alpha: error of each certificate.
        alpha_attack: error of all confirmations of one attack together.
        confirmations: most PREDICTs that one attack may ask.
        eps: the largest norm that was looked at, pixels of [0,1].
        sigma_from: how sigma was chosen, in words.
        dataset, indices: where the images come from, as comparisons name it.
        settings: everything else that repeats it: seed, network, noise, attack; JSON values.
    """

    sandwiches: tuple[Sandwich, ...]
    alpha: float
    alpha_attack: float
    confirmations: int
    eps: float
    sigma_from: str
    dataset: str = ""
    indices: tuple[int, ...] = ()
    settings: dict[str, Any] | None = None

    @property
    def joint_alpha(self) -> float:
        """Probability, at most, that an end of one sandwich is false."""
        return add_risks(self.alpha, self.alpha_attack)

    @property
    def crossings(self) -> tuple[Sandwich, ...]:
        """Those whose ends cross."""
        return tuple(s for s in self.sandwiches if not s.consistent)

    def by_gap(self) -> tuple[Sandwich, ...]:
        """Crossing ones first, then ascending gap; those without an upper end last."""
        return tuple(
            sorted(self.sandwiches, key=lambda s: float("inf") if s.gap is None else s.gap)
        )


def sandwiches_spent(result: Mapping[str, Any]) -> int:
    """Forward passes that finished sandwiches cost, of their strip's JSON form."""
    spent = 0
    for one in result.get("sandwiches", ()):
        spent += int(one["certificate"]["draws"])
        for attack in (one["attack"], one["pipeline"]):
            if attack is not None:
                spent += int(_BACKWARD * attack["passes"])
                spent += sum(int(said["n"]) for said in attack["confirmations"])
    return spent
