"""Several ways of choosing sigma on the same images, side by side; and what each may claim."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rs_core.errors import ParameterError
from rs_core.results import Badge, Certificate, RadiusCurve, Selection


@dataclass(frozen=True)
class Method:
    """What one selector proposed for every image, and what a guarantee made of it.

    Fields:
        selector: its name in `SELECTORS`.
        settings: of the selector, by field.
        guarantee: its name in `GUARANTEES`.
        badge: of every certificate here.
        budget: the error of each certificate as a printed sum.
        selections: one per image.
        certificates: one per image, on fresh draws.
        seconds: CPU seconds of choosing and certifying all images.
    """

    selector: str
    settings: dict[str, Any]
    guarantee: str
    badge: Badge
    budget: str
    selections: tuple[Selection, ...]
    certificates: tuple[Certificate, ...]
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """Methods on one index set.

    Fields:
        dataset: where the images come from, in words; "" for single pictures.
        indices: of the images in that data set; their positions for single pictures.
        names: of the images.
        digests: of their pixels.
        labels: true classes; None where unknown.
        methods: in the order asked for.
        curves: pointwise radius curves over one grid of sigmas, one per image; () if not asked
            for. Their maximum is the oracle: looked at afterwards, so no certificate.
        notes: what should be known of this comparison, e.g. of images that repeat.
    """

    dataset: str
    indices: tuple[int, ...]
    names: tuple[str, ...]
    digests: tuple[str, ...]
    labels: tuple[int | None, ...]
    methods: tuple[Method, ...]
    curves: tuple[RadiusCurve, ...]
    notes: tuple[str, ...] = ()


class MethodScore(NamedTuple):
    """One method on the labelled images: scores of different badges are not comparable.

    `acr` is mean(radius * correct) in pixels of [0,1], `accuracy` the share that is certified
    with the right class, both NaN where a label is missing; `draws` is the mean
    number of noisy copies per image that the choice cost, `abstentions` a count.
    """

    selector: str
    guarantee: str
    badge: Badge
    acr: float
    accuracy: float
    draws: float
    abstentions: int
    seconds: float


def method_scores(comparison: Comparison) -> tuple[MethodScore, ...]:
    """A score per method, in their order.

    Raises:
        ParameterError: methods certify radii of different norms, which are not comparable.
    """
    norms = sorted({c.norm for method in comparison.methods for c in method.certificates})
    if len(norms) > 1:
        raise ParameterError(f"radii in {' and '.join(norms)}: compare methods of one norm.")
    return tuple(_score(method, comparison.labels) for method in comparison.methods)


def oracle_radii(comparison: Comparison) -> tuple[float, ...]:
    """Each image's largest radius on its curve, 0 where the class there is wrong; no certificate.

    Where the true class is unknown any class counts.
    """
    return tuple(
        max((_held(c, label) for c in curve.certificates), default=0.0)
        for curve, label in zip(comparison.curves, comparison.labels, strict=True)
    )


def best_fixed_sigma(comparison: Comparison) -> tuple[float, float]:
    """(sigma, ACR) of the single sigma with the largest mean radius, seen afterwards.

    (nan, nan) without curves.
    """
    if not comparison.curves:
        return math.nan, math.nan
    sigmas = [c.sigma for c in comparison.curves[0].certificates]
    means = [
        _mean([
            _held(curve.certificates[s], label)
            for curve, label in zip(comparison.curves, comparison.labels, strict=True)
        ])
        for s in range(len(sigmas))
    ]  # fmt: skip
    best = max(range(len(sigmas)), key=means.__getitem__)
    return sigmas[best], means[best]


def _score(method: Method, labels: Sequence[int | None]) -> MethodScore:
    pairs = list(zip(method.certificates, labels, strict=True))
    known = all(label is not None for label in labels)
    held = [_held(certificate, label) for certificate, label in pairs]
    return MethodScore(
        method.selector,
        method.guarantee,
        method.badge,
        _mean(held) if known else math.nan,
        _mean([float(c.predicted == label) for c, label in pairs]) if known else math.nan,
        _mean([float(s.draws) for s in method.selections]),
        sum(certificate.predicted is None for certificate in method.certificates),
        method.seconds,
    )


def _held(certificate: Certificate, label: int | None) -> float:
    right = label is None or certificate.predicted == label
    return certificate.radius if right and certificate.predicted is not None else 0.0


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
