"""A cascade over sigmas: from the largest down, the first one with a majority answers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from rs_core.abstention import why_abstains
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, relay
from rs_core.guarantees.declared import DeclaredSigmas, declared
from rs_core.guarantees.fixed_sigma import check_fixed
from rs_core.images import ImageInput
from rs_core.results import Badge, Certificate, Selection, Votes
from rs_core.smoothing.certify import check_fresh, make_certificate
from rs_core.smoothing.options import Bound
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes
from rs_core.smoothing.statements import statement
from rs_core.statistics import cascade_terms, lower_confidence_bound, upper_confidence_bound

_BOUND: Bound = "clopper-pearson"
SCALES = declared((0.25, 0.5, 1.0), "the scales, asked from the largest down")


@dataclass(frozen=True, kw_only=True)
class Cascade(DeclaredSigmas):
    """The class stays although the image itself decides which sigma answers.

    The largest sigma at which a class has more than half of the probability answers. The n0 draws
    of all sigmas name a class and the sigma that is to answer it; fresh ones bound that class from
    below there, and every other class from above at every larger sigma, each at alpha: the radius
    is the smallest of these distances, and a minimum costs nothing (docs/cascade.md).
    """

    name: ClassVar[str] = "cascade"
    badge: ClassVar[Badge] = "A"

    sigmas: tuple[float, ...] = SCALES

    def declaring(self, possible: tuple[float, ...] | None) -> "Cascade":
        """The one sigma that is answered, its half and its quarter."""
        if possible is None or len(possible) != 1:
            return self
        return replace(self, sigmas=(possible[0] / 4, possible[0] / 2, possible[0]))

    @property
    def budget(self) -> str:
        """alpha: a minimum shares nothing out."""
        count = len(self.sigmas)
        return super().budget + (
            f" in all: of {count} sigmas none pays a part" if count > 1 else ""
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
        """Yields the loop's steps, then the certificates.

        Raises:
            ParameterError: the selections are not the largest scale, fixed beforehand; or the
                bound is two-sided.
        """
        self.check_pairs(images, selections)
        self.check_n(self.alpha)
        sigmas = np.tile(self.sigmas, (len(images), 1))
        naming, total = sigmas.size * self.n0, sigmas.size * (self.n0 + self.n)
        drawn: dict[str, Any] = {
            "seed": seed, "caller": self.name, "noise": self.noise_kind, "batch_size": batch_size,
        }  # fmt: skip
        named = yield from relay(
            draw_votes(classifier, images, sigmas, self.n0, stage="label", **drawn), total=total
        )
        votes = yield from relay(
            draw_votes(classifier, images, sigmas, self.n, stage="certify", **drawn),
            before=naming, total=total,
        )  # fmt: skip
        check_fresh(self, votes)
        yield Finished(
            tuple(
                self._certificate(classifier, image, named.counts[b], votes, b, seed)
                for b, image in enumerate(images)
            )
        )

    def check_pairs(self, images: Sequence[ImageInput], selections: Sequence[Selection]) -> None:
        """Refuse a sigma that was picked for an image, or is not the largest scale."""
        super().check_pairs(images, selections)
        if self.bound != _BOUND:
            raise ParameterError(f"cascade takes the bound {_BOUND}, not {self.bound}.")
        check_fixed(self.name, selections, "frozen or grid_minimum")
        for selection in selections:
            if not np.isclose(selection.sigma, self.sigmas[-1], rtol=1e-9, atol=0):
                raise ParameterError(
                    f"the cascade begins at sigma={self.sigmas[-1]:g} and the fixed one is "
                    f"{selection.sigma:g}: let the selector fixed have the largest of the scales."
                )

    def named(self, counts: np.ndarray) -> tuple[int, int]:
        """(scale, class) that promise the largest radius, from votes (S, K+1) of n0 copies.

        Every naming is sound, and the certificate is only as large as it is apt. INVALID is never
        named, and counts among the classes that others must keep out.
        """
        shares = (counts + 0.5) / (counts.sum(axis=1, keepdims=True) + 1)
        radii = cascade_terms(np.array(self.sigmas), shares, shares)[:, :-1].min(axis=-1)
        scale, label = np.unravel_index(int(radii.argmax()), radii.shape)
        return int(scale), int(label)

    def _certificate(
        self,
        classifier: Classifier,
        image: ImageInput,
        first: np.ndarray,
        votes: Votes,
        row: int,
        seed: int,
    ) -> Certificate:
        counts, (scale, label) = votes.counts[row], self.named(first)
        lower = lower_confidence_bound(counts, votes.n, self.alpha)
        upper = upper_confidence_bound(counts, votes.n, self.alpha)
        terms = cascade_terms(np.array(self.sigmas), lower, upper)[scale, label]
        weakest = int(terms.argmin())
        radius = max(float(terms[weakest]), 0.0)
        # A reader sees the votes of the sigma that answers, or those for which nothing is claimed.
        shown = scale if radius else weakest
        found = make_certificate(
            self, classifier, image,
            label=label, radius=radius, p_lower=float(lower[shown, label]), p_upper=None,
            sigma=self.sigmas[scale], alpha=self.alpha, counts=counts[shown], n=votes.n,
            seed=seed, stream=f"{self.name} 0", guarantee=self.badge, bound=self.bound,
        )  # fmt: skip
        found = replace(
            found, counted_at=None if radius else self.sigmas[weakest], draws=self.most_draws,
            details=self._details(scale, label, counts, terms),
        )  # fmt: skip
        sentence = self._sentence(found, self.sigmas[weakest], classifier)
        return replace(found, statement=sentence)

    def _details(
        self, scale: int, label: int, counts: np.ndarray, terms: np.ndarray
    ) -> dict[str, Any]:
        """What repeats the certificate beside its own fields, as JSON values."""
        return {
            "answers": self.sigmas[scale],
            "named": label,
            "scales": [
                {
                    "sigma": sigma, "counts": [int(vote) for vote in own],
                    "distance": float(distance) if np.isfinite(distance) else None,
                }
                for sigma, own, distance in zip(self.sigmas, counts, terms, strict=True)
            ],
        }  # fmt: skip

    def _sentence(self, found: Certificate, weakest: float, classifier: Classifier) -> str:
        scales = ", ".join(f"{sigma:.4g}" for sigma in reversed(self.sigmas))
        is_top = found.sigma == self.sigmas[-1]
        kept = "" if is_top else ", and no other class has at a larger one"
        return statement(
            guarantee=self.badge, predicted=found.predicted,
            class_names=classifier.spec.class_names, radius=found.radius, sigma=found.sigma,
            own_noise=classifier.random,
            alpha=self.alpha, n=self.n, n0=self.n0, noise=self.noise_kind, level=found.level,
            why=why_abstains(found) if found.predicted is None else "",
            caveat=f"for the cascade that asks \u03c3 = {scales} in this order and answers where a "
            f"class first has more than half: \u03c3={found.sigma:.10g} has it here{kept}; the "
            f"votes at \u03c3={weakest:.10g} cut the radius",
        )  # fmt: skip
