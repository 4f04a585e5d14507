"""What a frozen allocation answers to queries: inside a region, or certified outside all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from rs_core.abstention import why_abstains
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, relay
from rs_core.fields import shown
from rs_core.guarantees.regions.allocation import Allocation, Answer
from rs_core.images import ImageInput
from rs_core.images.loading import SNAPPED
from rs_core.results import Certificate
from rs_core.smoothing.certify import certify_each
from rs_core.smoothing.options import CertifyOptions
from rs_core.smoothing.sampling import BATCH_SIZE
from rs_core.smoothing.statements import arithmetic_of, class_label, statement
from rs_core.statistics import ceil_digits, floor_decimals

_EDGE = "it lies at the edge of a region"


@dataclass(frozen=True)
class Reply:
    """An answer, its sentence, and where nothing else backs it the query's own certificate.

    That certificate is one at the fallback sigma, its radius cut at the nearest region.
    """

    answer: Answer
    certificate: Certificate | None
    statement: str


@dataclass(frozen=True, kw_only=True)
class AskRegions(CertifyOptions):
    """Asks a frozen allocation; a query outside its regions is certified at its fallback sigma.

    That sigma was fixed before the query, so the certificate holds up to the nearest region.
    Inside a region nothing is drawn: its own certificate covers the query.
    """

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        allocation: Allocation,
        *,
        seed: int,
        class_names: tuple[str, ...] | None = None,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Reply, ...]]:
        """Yields the loop's steps, then one reply per image, in order.

        Args:
            classifier: the network that was frozen.
            images: the queries.
            allocation: what was frozen.
            seed: of the draws outside all regions.
            class_names: those frozen with the allocation; by default the network's of today.
            batch_size: forward passes between two steps.

        Raises:
            ParameterError: the allocation was frozen for another network, or an image has another
                number of values than its points.
        """
        if classifier.weights_id != allocation.weights_id:
            raise ParameterError(
                f"this allocation was frozen for weights {shown(allocation.weights_id)}, and "
                f"{classifier.spec.name} has weights {classifier.weights_id}: give the network it "
                "was frozen for."
            )
        names = class_names or classifier.spec.class_names
        if len(names) != classifier.num_classes:
            raise ParameterError(
                f"{len(names)} class names were frozen and {classifier.spec.name} has "
                f"{classifier.num_classes} classes: use the original file."
            )
        answers = [allocation.answer(image.pixels) for image in images]
        sigma = allocation.fallback_sigma
        outside = [k for k, answer in enumerate(answers) if answer.region is None]
        drawn: dict[int, Certificate] = {}
        if outside and sigma is not None:
            self.check_n(self.alpha)
            rows = yield from relay(
                certify_each(
                    self, classifier, [images[k] for k in outside],
                    np.full((len(outside), 1), sigma), self.alpha,
                    seed=seed, caller="regions fallback", guarantee="B", batch_size=batch_size,
                )
            )  # fmt: skip
            drawn = {k: row[0] for k, row in zip(outside, rows, strict=True)}
        yield Finished(
            tuple(
                self._reply(image, answer, drawn.get(k), allocation, names)
                for k, (image, answer) in enumerate(zip(images, answers, strict=True))
            )
        )

    def _reply(
        self,
        image: ImageInput,
        answer: Answer,
        drawn: Certificate | None,
        allocation: Allocation,
        names: tuple[str, ...],
    ) -> Reply:
        frozen = f"valid for queries after this allocation was frozen (hash {allocation.hash})"
        if SNAPPED in image.preprocessing:
            frozen += f"; of the query: {SNAPPED}"
        if answer.region is not None:
            return Reply(answer, None, _inside(answer, allocation, names, frozen))
        if drawn is None:
            why = "it lies outside every region, and no fallback sigma was frozen"
            return Reply(
                answer, None, f"Abstained: nothing is certified \u00b7 {why} \u00b7 {frozen}"
            )
        answer = allocation.answer(image.pixels, fallback=drawn)
        sentence = statement(
            guarantee="B", predicted=answer.label, class_names=names, radius=answer.radius,
            sigma=drawn.sigma, alpha=self.alpha, n=self.n, n0=self.n0, noise=self.noise_kind,
            level=drawn.level,
            caveat=f"outside every region, at the fallback \u03c3 frozen with them; {frozen}",
            why=why_abstains(drawn) if drawn.predicted is None else _EDGE,
        )  # fmt: skip
        cut = replace(drawn, predicted=answer.label, radius=answer.radius, statement=sentence)
        return Reply(answer, cut, sentence)


def _inside(answer: Answer, allocation: Allocation, names: tuple[str, ...], frozen: str) -> str:
    """The sentence of a query in a region; `Answer.label` is never None there."""
    assert answer.region is not None
    assert answer.label is not None
    radius = floor_decimals(answer.radius, 3)
    sigma = f"\u03c3={allocation.sigmas[answer.region]:.10g}"
    risk = "its risk is not in this file, nor how its noise was drawn"
    if allocation.alpha is not None:
        backing = allocation.backings[answer.region]
        whose = "any region's certificate" if allocation.mode == "label_aware" else "it"
        risk = (
            f"P({whose} is false) \u2264 {ceil_digits(allocation.alpha, 3)}, "
            f"for all queries together \u00b7 n={backing.n:,} drawn when it was frozen \u00b7 "
            f"{arithmetic_of(backing.noise)}"
        )
    return (
        f"Certified \u21132 radius {radius} (pixels in [0,1]) \u00b7 class "
        f"{class_label(answer.label, names)} \u00b7 inside region {answer.region} at {sigma}, by "
        f"that region's certificate \u00b7 {risk} \u00b7 {frozen}"
    )
