"""Some images taken through all parts together, so that every core is busy."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.events import Step, Stream
from rs_core.experiments.sandwich.options import Held, SandwichOptions
from rs_core.experiments.sandwich.progress import (
    SandwichProgress,
    while_attacking,
    while_certifying,
)
from rs_core.guarantees import Frozen
from rs_core.images import ImageInput
from rs_core.results import Certificate
from rs_core.results.attack import MISCLASSIFIED, AttackResult
from rs_core.results.sandwich import Sandwich, confirmed_norm, unconfirmed_norm
from rs_core.seeding import derive_seed
from rs_core.selectors import Selector
from rs_core.smoothing import Certify

SILENT = "the network answers NaN or infinities: there is no class that an attack could leave"
UNNAMED = (
    "the certificate abstains and the true class is not known: no class is named that an attack "
    "could leave; give a label, or more copies (n)"
)
Found = dict[int, AttackResult]


@dataclass(frozen=True, eq=False)
class Group:
    """Images `own` of a strip: certified, attacked, confirmed, in this order.

    The certificate comes first because it names the class that the attack has to leave.
    """

    made: SandwichOptions
    selector: Selector | None
    classifier: Classifier
    images: Sequence[ImageInput]
    own: range
    seed: int
    batch_size: int
    progress: SandwichProgress

    def sandwiches(self) -> Generator[Step, None, list[Sandwich]]:
        """Yields every part's steps; returns one sandwich per image of the group."""
        made, certificates = self.made, (yield from self._certified())
        closed = [self._bottom(i, c) for i, c in zip(self.own, certificates, strict=True)]
        leaving = {
            i: label
            for i, sandwich in zip(self.own, closed, strict=True)
            if (label := class_to_leave(sandwich)) is not None
        }
        pairs = zip(self._images(self.own), certificates, strict=True)
        held = Held(sigmas={(image.digest, image.label): c.sigma for image, c in pairs})
        found = yield from self._attacked(leaving, held, "attacking", 0)
        sigmas = {i: c.sigma for i, c in zip(self.own, certificates, strict=True)}
        frozen = {i: _at(result, sigmas[i]) for i, result in found.items()}
        frozen = yield from self._confirmed(frozen, None, "asking fresh noise about")
        repicked: Found = {}
        if made.pipeline and self.selector is not None:
            for i in self.own:
                self._show(i, frozen.get(i), done=i not in leaving)
            words = "attacking the choice of sigma for"
            repicked = yield from self._attacked(leaving, self.selector, words, made.reselect)
            words = "asking fresh noise, at a fresh sigma, about"
            repicked = yield from self._confirmed(repicked, self.selector, words)
        for i in self.own:
            self._show(i, frozen.get(i), done=True)
        return [
            replace(sandwich, attack=frozen.get(i), pipeline=repicked.get(i))
            for i, sandwich in zip(self.own, closed, strict=True)
        ]

    def _certified(self) -> Generator[Step, None, tuple[Certificate, ...]]:
        made, images = self.made, self._images(self.own)
        draws: dict[str, Any] = {
            "n0": made.n0, "n": made.n, "alpha": made.alpha, "bound": made.bound,
            "noise": made.noise,
        }  # fmt: skip
        stream: Stream[tuple[Certificate, ...]]
        if self.selector is None:
            assert made.sigma is not None, "held by MakeSandwiches"
            sigmas = [made.sigma] * len(images)
            stream = Certify(sigma=made.sigma, **draws).run(self.classifier, images, **self._how)
        else:
            cost = len(images) * self.selector.most_draws
            picking = self.selector.run(self.classifier, images, **self._how)
            picked = yield from self.progress.part(picking, self._phase("choosing sigma for"), cost)
            sigmas = [selection.sigma for selection in picked]
            stream = Frozen(**draws).run(self.classifier, images, picked, **self._how)
        labels = [image.label for image in images]
        look = while_certifying(self.progress.rows, self.own, sigmas, labels, made.alpha)
        cost = len(images) * (made.n0 + made.n)
        return (yield from self.progress.watched(stream, self._phase("certifying"), cost, look))

    def _attacked(
        self, leaving: dict[int, int], selector: Selector, words: str, reselect: int
    ) -> Generator[Step, None, Found]:
        """The nearest point of all restarts, in the attack's own opinion."""
        made, which = self.made, list(leaving)
        cost = len(self.own) * made.attack_cost // made.restarts
        attack = made.attacker(selector, reselect)
        nearest: Found = {}
        for restart in range(made.restarts):
            if not which:
                self.progress.skip(cost)
                continue
            seed = derive_seed(self.seed, "restart", restart) if restart else self.seed
            stream = attack.run(
                self.classifier, self._images(which), labels=list(leaving.values()), seed=seed,
                batch_size=self.batch_size,
            )  # fmt: skip
            look = None if reselect else while_attacking(self.progress.rows, which)
            results = yield from self.progress.watched(stream, self._phase(words), cost, look)
            for i, result in zip(which, results, strict=True):
                nearest[i] = _nearer(nearest.get(i), result)
                if not reselect:
                    self._show(i, nearest[i], done=False)
        return nearest

    def _confirmed(
        self, found: Found, selector: Selector | None, words: str
    ) -> Generator[Step, None, Found]:
        which, cost = list(found), len(self.own) * self.made.confirm_cost
        stream = self.made.confirming(selector).run(
            self.classifier, self._images(which), [found[i] for i in which], **self._how
        )
        if not which:
            self.progress.skip(cost)
            return {}
        judged = yield from self.progress.part(stream, self._phase(words), cost)
        return dict(zip(which, judged, strict=True))

    def _bottom(self, i: int, certificate: Certificate) -> Sandwich:
        """The sandwich without its upper end."""
        image = self.images[i]
        sandwich = Sandwich(image.name, image.label, certificate, None)
        notes: tuple[str, ...] = ()
        if sandwich.misclassified:
            notes = (MISCLASSIFIED,)
        elif class_to_leave(sandwich) is None:
            notes = (UNNAMED if any(certificate.counts[:-1]) else SILENT,)
        upper = 0.0 if sandwich.misclassified else None
        row = self.progress.rows[i]
        self.progress.rows[i] = replace(row, lower=sandwich.lower, lower_final=True, upper=upper)
        return replace(sandwich, notes=notes)

    def _show(self, i: int, result: AttackResult | None, *, done: bool) -> None:
        """The image's row after a part."""
        row = replace(self.progress.rows[i], done=done)
        if result is not None:
            row = replace(row, hollow=unconfirmed_norm(result), upper=confirmed_norm(result))
        self.progress.rows[i] = row

    def _images(self, which: Sequence[int]) -> list[ImageInput]:
        return [self.images[i] for i in which]

    def _phase(self, words: str) -> str:
        first, last, count = self.own[0] + 1, self.own[-1] + 1, len(self.images)
        if count == 1:
            return f"{words} the image"
        which = f"image {first}" if first == last else f"images {first} to {last}"
        return f"{words} {which} of {count}"

    @property
    def _how(self) -> dict[str, int]:
        return {"seed": self.seed, "batch_size": self.batch_size}


def class_to_leave(sandwich: Sandwich) -> int | None:
    """The certified class; where the certifier abstained, the true one.

    None where no attack is needed, where the network has no valid vote, and where neither is
    known. The most voted class is no substitute: where another one wins, its loss is no upper end.
    """
    certificate = sandwich.certificate
    if sandwich.misclassified:
        return None
    if certificate.predicted is not None:
        return certificate.predicted
    return sandwich.label if any(certificate.counts[:-1]) else None


def _at(result: AttackResult, sigma: float) -> AttackResult:
    """The result at its certificate's sigma, to the last digit: the attack had it as float32."""
    assert result.sigma is not None
    assert np.float32(result.sigma) == np.float32(sigma), "both ends are of one sigma"
    return replace(result, sigma=sigma)


def _nearer(known: AttackResult | None, result: AttackResult) -> AttackResult:
    """The success of smaller norm; all that both have cost."""
    if known is None:
        return result
    better = result.success and (not known.success or result.l2 < known.l2)
    return replace(result if better else known, passes=known.passes + result.passes)
