"""Dual smoothing: the selector's median is smoothed too, after Hase et al. (variational)."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from rs_core.abstention import why_abstains
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream, relay
from rs_core.fields import param
from rs_core.guarantees.base import Guarantee
from rs_core.images import ImageInput
from rs_core.results import Badge, Certificate, Selection
from rs_core.smoothing.median import (
    MedianBound,
    ScalarNetwork,
    check_scalar,
    draw_scalars,
    median_bound,
    scalar_id,
)
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE
from rs_core.smoothing.statements import statement
from rs_core.statistics import add_risks, ceil_digits

_UNIT = "pixels of [0,1]"


def _risk(value: float) -> str:
    """A risk with the digits that somebody gave, so that sums can be checked by hand."""
    return ceil_digits(value, 6)


@dataclass(frozen=True, kw_only=True, eq=False)
class Dual(Guarantee):
    """The class stays although an attacker within `distance` moves the median of h.

    h is snapped to the declared sigmas, every sigma between the bounds of its median
    is certified at alpha, all must agree; the radius is min(distance, smallest radius), and of a
    minimum no bound pays less than alpha (docs/minimum.md). With distance 0 that is 0: then the
    class is claimed, and no radius around the image.

    Fields:
        network: h, pixels to one sigma per row.
    """

    name: ClassVar[str] = "dual"
    badge: ClassVar[Badge] = "A"

    network: ScalarNetwork
    sigmas: tuple[float, ...] = param(
        (0.12, 0.18, 0.25, 0.35, 0.5, 0.71, 1.0),
        help="sigmas that h is snapped to; the ends clip it",
        unit=_UNIT,
        low=0,
        high=SIGMA_MAX,
        low_open=True,
    )
    sigma_m: float = param(0.25, help="noise of h", unit=_UNIT, low=0, high=10, low_open=True)
    n_h: int = param(1001, help="copies whose median is taken", low=1, high=1e7)
    alpha_h: float = param(1e-5, help="error of each bound of the median", low=0, high=0.1)
    beta: float = param(1e-3, help="error of the deployed median, per query", low=0, high=0.1)
    distance: float = param(0.25, help="how far the attacker goes", unit=_UNIT, low=0, high=100)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sigmas", tuple(sorted({float(s) for s in self.sigmas})))
        if not 0 < self.alpha_h < 1 or not 0 < self.beta < 1:
            raise ParameterError("alpha_h and beta must lie above 0: they are errors to be paid.")

    @property
    def most(self) -> int:
        """The largest number of sigmas that an image may need."""
        return len(self.sigmas)

    @property
    def most_draws(self) -> int:
        """The median's copies, and every sigma that an image may need."""
        return self.n_h + self.most * super().most_draws

    @property
    def budget(self) -> str:
        """Both bounds of the median and the votes; beta is paid by every deployed query."""
        total = add_risks(self.alpha_h, self.alpha_h, self.alpha)
        return (
            f"2 x {_risk(self.alpha_h)} + {_risk(self.alpha)} = {_risk(total)}, and beta = "
            f"{_risk(self.beta)} per query"
        )

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        selections: Sequence[Selection],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Certificate, ...]]:
        """Yields steps, then the certificates; the sigmas come from h, not from the selections."""
        self.check_pairs(images, selections)
        check_scalar(self.network, classifier)
        scalar_id(self.network, classifier)  # one that has no name is refused before it draws
        self.check_n(self.level(len(images)))
        per_image = self.n_h + self.most * (self.n0 + self.n)
        found = []
        for index, image in enumerate(images):
            certificate = yield from relay(
                self._one(classifier, image, seed, batch_size),
                before=index * per_image,
                total=len(images) * per_image,
            )
            found.append(certificate)
        yield Finished(tuple(found))

    def _one(
        self, classifier: Classifier, image: ImageInput, seed: int, batch_size: int
    ) -> Stream[Certificate]:
        bound = yield from self._bound(classifier, image, seed)
        sigmas = self.reachable(bound)
        rows = yield from relay(
            self.fresh(
                classifier,
                [image],
                np.array([sigmas]),
                self.alpha,
                seed=seed,
                batch_size=batch_size,
            ),
            before=self.n_h,
            total=self.n_h + len(sigmas) * (self.n0 + self.n),
        )
        yield Finished(self._joint(rows[0], bound, classifier))

    def _bound(
        self, classifier: Classifier, image: ImageInput, seed: int
    ) -> Generator[Step, None, MedianBound]:
        values = yield from relay(
            draw_scalars(
                self.network, classifier, [image],
                sigma=self.sigma_m, n=self.n_h, seed=seed, caller=self.name, noise=self.noise_kind,
            )
        )  # fmt: skip
        return self.bound_of(values[0])

    def bound_of(self, values: np.ndarray) -> MedianBound:
        """Bounds of the deployed median within the distance, from answers (n_h,) under noise."""
        return median_bound(
            values,
            sigma=self.sigma_m,
            distance=self.distance,
            alpha=self.alpha_h,
            beta=self.beta,
            clip=(self.sigmas[0], self.sigmas[-1]),
        )

    def snap(self, value: float) -> float:
        """The nearest declared sigma, the smaller of two: a monotone map."""
        return min(self.sigmas, key=lambda sigma: (abs(sigma - value), sigma))

    def reachable(self, bound: MedianBound) -> tuple[float, ...]:
        """The sigmas to certify: all declared ones between the bounds."""
        low, high = self.snap(bound.lower), self.snap(bound.upper)
        return tuple(sigma for sigma in self.sigmas if low <= sigma <= high)

    def deployed(self, bound: MedianBound) -> float:
        """The sigma that answers at this very image."""
        return self.snap(bound.median)

    def caveat(self, sigmas: Sequence[float]) -> str:
        """What the claim covers, and at which price."""
        return (
            f"for every \u03c3 that an attacker within {self.distance:.10g} can bring about: "
            f"{len(sigmas)} from {sigmas[0]:.4g} to {sigmas[-1]:.4g}, error {self.budget}; a query "
            f"takes the lower median of h on {self.n_h:,} copies at \u03c3_m={self.sigma_m:.10g}, "
            f"then PREDICT; it answers another class with further probability "
            f"\u2264 {_risk(self.beta)} + PREDICT's alpha"
        )

    def said(self, sentence: str) -> str:
        """The sentence of a certificate, as this guarantee may say it."""
        return sentence

    def _details(
        self, row: tuple[Certificate, ...], bound: MedianBound, classifier: Classifier
    ) -> dict[str, Any]:
        """What repeats the certificate beside its own fields, as JSON values."""
        return {
            "h": scalar_id(self.network, classifier),
            "sigma_m": self.sigma_m,
            "n_h": self.n_h,
            "alpha_h": self.alpha_h,
            "beta": self.beta,
            "distance": self.distance,
            "grid": list(self.sigmas),
            "median": [bound.lower, bound.median, bound.upper],
            "without_answer": bound.invalid,
            "sigmas": [
                {
                    "sigma": c.sigma, "predicted": c.predicted, "n_top": c.n_top,
                    "counts": list(c.counts), "p_lower": c.p_lower, "radius": c.radius,
                }
                for c in row
            ],
        }  # fmt: skip

    def _cut(self) -> str:
        """That no radius can be claimed, where the distance is 0."""
        zero = "; the radius is cut at distance 0, so the class is claimed and no ball around it"
        return "" if self.distance else zero

    def _joint(
        self, row: tuple[Certificate, ...], bound: MedianBound, classifier: Classifier
    ) -> Certificate:
        weakest = min(row, key=lambda c: c.radius)
        silent = 2 * bound.invalid >= self.n_h
        agree = len({c.predicted for c in row}) == 1 and not silent
        predicted = weakest.predicted if agree else None
        why = why_abstains(replace(weakest, counted_at=weakest.sigma)) if predicted is None else ""
        radius = 0.0 if predicted is None else min(weakest.radius, self.distance)
        sigma = self.deployed(bound)
        alpha = add_risks(self.alpha_h, self.alpha_h, self.alpha)
        no_answer = f"h gave NaN or infinity on {bound.invalid:,} of {self.n_h:,} copies"
        speaks = f"; the weakest of them, \u03c3={weakest.sigma:.10g}, speaks for all"
        caveat = self.caveat([c.sigma for c in row]) + speaks + self._cut()
        if bound.invalid:
            caveat += f"; {no_answer}, and a query with such a copy abstains"
        sentence = statement(
            guarantee=self.badge, predicted=predicted, class_names=classifier.spec.class_names,
            own_noise=classifier.random,
            radius=radius, sigma=sigma, alpha=alpha, n=self.n, n0=self.n0,
            noise=self.noise_kind, level=weakest.level, caveat=caveat,
            why=no_answer if silent else why,
        )  # fmt: skip
        return replace(
            weakest, predicted=predicted, radius=radius, sigma=sigma, alpha=alpha,
            counted_at=weakest.sigma, statement=self.said(sentence),
            details=self._details(row, bound, classifier),
            draws=self.n_h + sum(c.draws for c in row),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class PublishedDual(Dual):
    """The check as published: three sigmas, the median and its two bounds, stand for all between.

    Each is certified at alpha, the radius is min(distance, smallest radius), and with distance 0,
    as in the paper's tables, the class is claimed alone. That is no proof, so the
    badge is C and the sentence says "approximate".
    """

    name: ClassVar[str] = "dual_published"
    badge: ClassVar[Badge] = "C"

    @property
    def most(self) -> int:
        """The median and its two bounds."""
        return 3

    def bound_of(self, values: np.ndarray) -> MedianBound:
        """Bounds of the population median, as published."""
        return median_bound(
            values,
            sigma=self.sigma_m,
            distance=self.distance,
            alpha=self.alpha_h,
            clip=(self.sigmas[0], self.sigmas[-1]),
        )

    def reachable(self, bound: MedianBound) -> tuple[float, ...]:
        """The median and its two bounds."""
        return tuple(sorted({bound.lower, bound.median, bound.upper}))

    def deployed(self, bound: MedianBound) -> float:
        """The median itself, not snapped."""
        return bound.median

    def said(self, sentence: str) -> str:
        """No certificate: an estimate, and no probability of its truth."""
        claimed = sentence.replace("Certified", "Approximate, not certified:", 1)
        return claimed.replace("P(this statement is false)", "errors paid as published", 1)

    def caveat(self, sigmas: Sequence[float]) -> str:
        """That three sigmas are no continuum."""
        return (
            f"approximate: {len(sigmas)} \u03c3 ({sigmas[0]:.4g} to {sigmas[-1]:.4g}) were checked "
            "and stand for all between; an attacker on the selector is not covered"
        )
