"""Whether an attack did its work: the flags that AutoAttack raises, before anyone trusts it."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from rs_core.attacks.base import Attack
from rs_core.attacks.methods.gaussian import Gaussian
from rs_core.attacks.methods.pgd import Pgd
from rs_core.attacks.methods.square import Square
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream, relay
from rs_core.fields import check_params, param
from rs_core.images import ImageInput
from rs_core.results.attack import AttackCheck, AttackResult
from rs_core.smoothing.sampling import BATCH_SIZE

_MARGIN = 1e-9


@dataclass(frozen=True, kw_only=True)
class SelfCheck:
    """Runs an attack beside ones that cannot be masked, and says what looks wrong.

    With no limit but the pixel box every attack must fool (almost) every image; an attack
    without gradients, or noise of the same norm, must not beat one with gradients (Croce and
    Hein 2020; Carlini et al. 2019). An image that does not count as attacked because it was
    misclassified beforehand counts as fooled everywhere.
    """

    attack: Pgd
    queries: int = param(200, help="queries of the gradient-free attack", low=1, high=100_000)
    tries: int = param(10, help="directions of noise", low=1, high=10_000)

    def __post_init__(self) -> None:
        check_params(self)
        if not isinstance(self.attack, Pgd):
            raise ParameterError("the self-check is for pgd, epgd and their like: give one.")

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        labels: Sequence[int | None] | None = None,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[AttackCheck]:
        """Yields steps, then the rates and what they warn of."""
        parts = self._parts(classifier)
        total = sum(len(images) * attack.passes for attack in parts)
        found: list[tuple[AttackResult, ...]] = []
        before = 0
        for attack in parts:
            stream = attack.run(classifier, images, labels=labels, seed=seed, batch_size=batch_size)
            found.append((yield from _part(stream, before, total)))
            before += len(images) * attack.passes
        own, unbounded, free, noise = (_rate(results) for results in found)
        yield Finished(
            AttackCheck(
                own, unbounded, free, noise, _warnings(found[0], own, unbounded, free, noise)
            )
        )

    def _parts(self, classifier: Classifier) -> tuple[Attack, Attack, Attack, Attack]:
        attack = self.attack
        channels, height, width = classifier.spec.input_shape
        whole = (channels * height * width) ** 0.5 if attack.norm == "l2" else 1.0
        # Steps that cross the whole box and settle: as long as the box is wide at first sight,
        # they would jump between its corners.
        wide = replace(attack, eps=whole, step_size=2 * whole / max(attack.steps, 2))
        free = Square(
            norm=attack.norm, eps=attack.eps, queries=self.queries, sigma=attack.sigma,
            selector=attack.selector, judged=attack.judged, target=attack.target,
        )  # fmt: skip
        noise = Gaussian(
            norm=attack.norm, eps=attack.eps, tries=self.tries, sigma=attack.sigma,
            selector=attack.selector, judged=attack.judged, target=attack.target,
        )  # fmt: skip
        return attack, wide, free, noise


def _part(
    stream: Stream[tuple[AttackResult, ...]], before: int, total: int
) -> Generator[Step, None, tuple[AttackResult, ...]]:
    return (yield from relay(stream, before=before, total=total))


def _rate(results: Sequence[AttackResult]) -> float:
    return sum(result.success for result in results) / max(len(results), 1)


def _warnings(
    results: Sequence[AttackResult], own: float, unbounded: float, free: float, noise: float
) -> tuple[str, ...]:
    said = []
    if unbounded < 1 - _MARGIN:
        said.append(
            f"with no limit but the pixel box only {unbounded:.0%} of the images are fooled: the "
            "gradient is masked, or the steps are too few, or there is no other class within reach"
        )
    if free > own + _MARGIN:
        said.append(f"an attack without gradients fools {free:.0%}, this one {own:.0%}")
    if noise > own + _MARGIN:
        said.append(f"noise of the same norm fools {noise:.0%}, this one {own:.0%}")
    warned = sum(any(n.startswith("warning: ") for n in result.notes) for result in results)
    if warned:
        said.append(
            f"{warned} of {len(results)} images have warnings of their own: see their notes"
        )
    return tuple(said)
