"""All sigmas of a range declared beforehand, certified together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from rs_core.abstention import why_abstains
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, relay
from rs_core.guarantees.declared import DeclaredSigmas, declared
from rs_core.images import ImageInput
from rs_core.results import Badge, Certificate, Selection
from rs_core.smoothing.sampling import BATCH_SIZE
from rs_core.smoothing.statements import statement

INSTA_RS_SIGMAS = tuple(0.25 * k**0.5 for k in range(1, 17))


@dataclass(frozen=True, kw_only=True)
class GridMinimum(DeclaredSigmas):
    """Whatever sigma of the range a selector picks at a perturbed image, the class stays.

    Every one of the K sigmas is certified at alpha; where all name one class, the radius is the
    smallest of theirs. It is above the smallest true one only if the bound of that very sigma
    failed, so that the whole is true at alpha (docs/minimum.md). Nothing is claimed of a selector
    that can leave the range.
    """

    name: ClassVar[str] = "grid_minimum"
    badge: ClassVar[Badge] = "A"

    sigmas: tuple[float, ...] = declared(INSTA_RS_SIGMAS, "the declared range of the selector")

    def declaring(self, possible: tuple[float, ...] | None) -> "GridMinimum":
        """All that the selector can answer, where that is a list."""
        return self if possible is None else replace(self, sigmas=possible)

    @property
    def budget(self) -> str:
        """alpha: a minimum shares nothing out."""
        count = len(self.sigmas)
        many = f", for each of {count} sigmas and for the smallest radius" if count > 1 else ""
        return super().budget + many

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        selections: Sequence[Selection],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Certificate, ...]]:
        """Yields the loop's steps, then the certificates.

        Raises:
            ParameterError: a selection lies outside the declared range.
        """
        self.check_pairs(images, selections)
        sigmas = np.tile(self.sigmas, (len(images), 1))
        rows = yield from relay(
            self.fresh(classifier, images, sigmas, self.alpha, seed=seed, batch_size=batch_size)
        )
        yield Finished(
            tuple(
                self._joint(row, selection.sigma, classifier)
                for row, selection in zip(rows, selections, strict=True)
            )
        )

    def check_pairs(self, images: Sequence[ImageInput], selections: Sequence[Selection]) -> None:
        """Refuse a sigma that the declared range does not hold."""
        super().check_pairs(images, selections)
        for selection in selections:
            if not any(np.isclose(selection.sigma, self.sigmas, rtol=1e-9, atol=0)):
                raise ParameterError(
                    f"{selection.selector} picked sigma={selection.sigma:g}, which is not among "
                    f"the {len(self.sigmas)} declared ones: declare its range, or take the "
                    "guarantee frozen."
                )

    def _joint(
        self, row: tuple[Certificate, ...], sigma: float, classifier: Classifier
    ) -> Certificate:
        """The weakest certificate, speaking for all; an abstention where two disagree."""
        weakest = min(row, key=lambda c: c.radius)
        agree = len({c.predicted for c in row}) == 1 and weakest.predicted is not None
        predicted, radius = (weakest.predicted, weakest.radius) if agree else (None, 0.0)
        why = "" if agree else why_abstains(replace(weakest, counted_at=weakest.sigma))
        count, ends = len(row), f"{self.sigmas[0]:.4g} to {self.sigmas[-1]:.4g}"
        sentence = statement(
            guarantee=self.badge, predicted=predicted, class_names=classifier.spec.class_names,
            own_noise=classifier.random,
            radius=radius, sigma=sigma, alpha=self.alpha, n=self.n, n0=self.n0,
            noise=self.noise_kind, level=weakest.level, why=why,
            caveat=f"for any selector that answers one of {count} declared sigmas ({ends}); the "
            f"weakest of them, \u03c3={weakest.sigma:.10g}, speaks for all",
        )  # fmt: skip
        return replace(
            weakest,
            predicted=predicted,
            radius=radius,
            sigma=sigma,
            counted_at=weakest.sigma,
            alpha=self.alpha,
            statement=sentence,
            draws=sum(c.draws for c in row),
        )
