"""Dual smoothing: the selector's median is smoothed too, after Hase et al. (variational)."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream, relay
from rs_core.fields import param
from rs_core.guarantees.guarantee import Guarantee
from rs_core.images import ImageInput
from rs_core.results import Badge, Certificate, Selection
from rs_core.smoothing.certify import certify_each
from rs_core.smoothing.median import MedianBound, ScalarNetwork, draw_scalars, median_bound
from rs_core.smoothing.options import SIGMA_MAX
from rs_core.smoothing.sampling import BATCH_SIZE
from rs_core.smoothing.statements import statement
from rs_core.statistics import ceil_digits

Mode = Literal["quantised", "published"]
_UNIT = "pixels of [0,1]"


@dataclass(frozen=True, kw_only=True, eq=False)
class Dual(Guarantee):
    """The class stays although an attacker within `distance` moves the median of h.

    `quantised` (SPEC 3.2): h is snapped to the declared sigmas, every sigma between the bounds of
    its median is certified at alpha/K, all must agree; the radius is min(distance, smallest
    radius). `published` checks three sigmas, the median and its two bounds, and lets them stand
    for the continuum between; that is no proof, so its badge is C and it says "approximate".

    Fields:
        network: h, pixels to one sigma per row.
    """

    name: ClassVar[str] = "dual"

    network: ScalarNetwork
    mode: Mode = param(
        "quantised", help="quantised or published", choices=("quantised", "published")
    )
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
    def badge(self) -> Badge:  # type: ignore[override]
        """A where every reachable sigma is certified, C where three stand for all."""
        return "A" if self.mode == "quantised" else "C"

    @property
    def budget(self) -> str:
        """Both bounds of the median and the votes; beta is paid by every deployed query."""
        total = 2 * self.alpha_h + self.alpha
        return (
            f"2 x {self.alpha_h:g} + {self.alpha:g} = {ceil_digits(total, 3)}, and beta = "
            f"{self.beta:g} per query"
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
        self.hold_pairs(images, selections)
        most = len(self.sigmas) if self.mode == "quantised" else 3
        self.check_n(self.alpha / most, classifier.num_classes)
        per_image = self.n_h + most * (self.n0 + self.n)
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
            certify_each(
                self, classifier, [image], np.array([sigmas]), self.alpha / len(sigmas),
                seed=seed, caller=self.name, guarantee=self.badge, batch_size=batch_size,
            ),
            before=self.n_h,
            total=self.n_h + len(sigmas) * (self.n0 + self.n),
        )  # fmt: skip
        yield Finished(self._joint(rows[0], bound, classifier))

    def _bound(
        self, classifier: Classifier, image: ImageInput, seed: int
    ) -> Generator[Step, None, MedianBound]:
        values = yield from relay(
            draw_scalars(
                self.network, classifier, [image],
                sigma=self.sigma_m, n=self.n_h, seed=seed, caller=self.name,
            )
        )  # fmt: skip
        return median_bound(
            values[0],
            sigma=self.sigma_m,
            distance=self.distance,
            alpha=self.alpha_h,
            beta=self.beta if self.mode == "quantised" else None,
            clip=(self.sigmas[0], self.sigmas[-1]),
        )

    def snap(self, value: float) -> float:
        """The nearest declared sigma, the smaller of two: a monotone map."""
        return min(self.sigmas, key=lambda sigma: (abs(sigma - value), sigma))

    def reachable(self, bound: MedianBound) -> tuple[float, ...]:
        """The sigmas to certify: all declared ones between the bounds, or the published three."""
        if self.mode == "published":
            return tuple(sorted({bound.lower, bound.median, bound.upper}))
        low, high = self.snap(bound.lower), self.snap(bound.upper)
        return tuple(sigma for sigma in self.sigmas if low <= sigma <= high)

    def _joint(
        self, row: tuple[Certificate, ...], bound: MedianBound, classifier: Classifier
    ) -> Certificate:
        weakest = min(row, key=lambda c: c.radius)
        agree = len({c.predicted for c in row}) == 1 and weakest.predicted is not None
        radius = min(weakest.radius, self.distance) if agree else 0.0
        predicted = weakest.predicted if radius > 0 else None
        sigma = self.snap(bound.median) if self.mode == "quantised" else bound.median
        alpha = 2 * self.alpha_h + self.alpha
        low, high = row[0].sigma, row[-1].sigma
        caveat = (
            f"for every \u03c3 that an attacker within {self.distance:g} can bring about: "
            f"{len(row)} from {low:.4g} to {high:.4g}, error {self.budget}"
        )
        if self.mode == "published":
            caveat = (
                f"approximate: {len(row)} \u03c3 ({low:.4g} to {high:.4g}) were checked and stand "
                "for all between; an attacker on the selector is not covered"
            )
        sentence = statement(
            guarantee=self.badge, predicted=predicted, class_names=classifier.spec.class_names,
            radius=radius, sigma=sigma, alpha=alpha, n=self.n, n0=self.n0,
            rigorous=self.rigorous, caveat=caveat,
        )  # fmt: skip
        return replace(
            weakest, predicted=predicted, radius=radius, sigma=sigma, alpha=alpha,
            statement=sentence, draws=self.n_h + sum(c.draws for c in row),
        )  # fmt: skip
