"""The certificate of Dual RS: neither the picked sigma nor the class moves inside the radius."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from rs_core.abstention import why_abstains
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, relay
from rs_core.guarantees.base import Guarantee
from rs_core.images import ImageInput
from rs_core.results import Badge, Certificate, Selection
from rs_core.selectors.sigma_classifier import SIGMA_E, SIGMAS, check_picker, picker_noise
from rs_core.smoothing.certify import bound_radii, check_fresh
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes
from rs_core.smoothing.statements import statement
from rs_core.statistics import ceil_digits


@dataclass(frozen=True, kw_only=True, eq=False)
class DualRS(Guarantee):
    """The class stays although an attacker works on the network that picks sigma, too.

    A classifier of images into sigmas is smoothed at `sigma_e`: what it answers there picks the
    sigma at which the image's class is voted on. Fresh draws bound how far its answer keeps
    (R_sigma), others how far the class keeps at that sigma (R_class); the radius is
    min(R_sigma, R_class). It is above the smaller true one only if the bound of that very one
    failed, so that the whole is true at alpha (docs/minimum.md), where the paper adds both errors.
    The selections name the sigma that is tried; what the picker answers is certified here.

    Fields:
        picker: one class for each sigma, in their order.
        experts: a network for each sigma, in their order, in place of one for all; each was told
            the same classes.

    Sun et al. (2026), "Dual randomized smoothing".
    """

    name: ClassVar[str] = "dual_rs"
    badge: ClassVar[Badge] = "A"

    picker: Classifier
    sigmas: tuple[float, ...] = SIGMAS
    sigma_e: float | None = SIGMA_E
    experts: tuple[Classifier, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        check_picker(self.picker, self.sigmas)
        if self.experts and len(self.experts) != len(self.sigmas):
            raise ParameterError(
                f"{len(self.experts)} experts for {len(self.sigmas)} sigmas: give one for each."
            )

    @property
    def budget(self) -> str:
        """alpha: the smaller of two radii shares nothing out."""
        return super().budget + " in all: the smaller of two radii pays no part"

    @property
    def most_draws(self) -> int:
        """The picker's copies and the class's."""
        return self.n + super().most_draws

    def expert(self, classifier: Classifier, place: int) -> Classifier:
        """Who votes on the class at the sigma of this place.

        Raises:
            ParameterError: it was told other classes, or takes other images.
        """
        if not self.experts:
            return classifier
        expert = self.experts[place]
        own, other = classifier.spec, expert.spec
        if own.class_names != other.class_names or own.input_shape != other.input_shape:
            raise ParameterError(
                f"the expert {expert.title} for sigma={self.sigmas[place]:g} has other classes or "
                f"another input size than {classifier.title}: give one that was told the same."
            )
        return expert

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        selections: Sequence[Selection],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Certificate, ...]]:
        """Yields the loops' steps, then the certificates.

        Raises:
            ParameterError: a selection is none of the sigmas, or a network does not fit.
        """
        self.check_pairs(images, selections)
        check_same_size(self.picker, classifier)
        self.check_n(self.alpha)
        for place in range(len(self.experts)):
            self.expert(classifier, place)
        places = [place_of(selection, self.sigmas) for selection in selections]
        voters = {place: self.expert(classifier, place) for place in sorted(set(places))}
        done, total = len(images) * self.n, len(images) * self.most_draws
        kept = yield from relay(
            self._picks(images, places, seed=seed, batch_size=batch_size), total=total
        )
        found: dict[int, Certificate] = {}
        for place, voter in voters.items():
            own = [index for index, other in enumerate(places) if other == place]
            stream = self.fresh(
                voter, [images[index] for index in own], np.full((len(own), 1), self.sigmas[place]),
                self.alpha, seed=seed, batch_size=batch_size,
            )  # fmt: skip
            rows = yield from relay(stream, before=done, total=total)
            done += len(own) * (self.n0 + self.n)
            found |= {index: row[0] for index, row in zip(own, rows, strict=True)}
        yield Finished(
            tuple(
                self._joint(found[index], place, kept[index], voters[place])
                for index, place in enumerate(places)
            )
        )

    def _picks(
        self, images: Sequence[ImageInput], places: Sequence[int], *, seed: int, batch_size: int
    ) -> Stream[list[tuple[float, tuple[int, ...]]]]:
        """(R_sigma, the picker's votes) of each image, for the class of its place."""
        noise = picker_noise(self.sigma_e, self.sigmas)
        votes = yield from relay(
            draw_votes(
                self.picker, images, np.full((len(images), 1), noise), self.n,
                seed=seed, caller=f"{self.name} picks", stage="certify", noise=self.noise_kind,
                batch_size=batch_size,
            )
        )  # fmt: skip
        check_fresh(self, votes)
        labels = np.array(places, dtype=np.int64)[:, None]
        _, _, radii = bound_radii(self.bound, votes, labels, self.alpha)
        counts = [tuple(int(vote) for vote in row[0]) for row in votes.counts]
        yield Finished([(float(r[0]), own) for r, own in zip(radii, counts, strict=True)])

    def _joint(
        self,
        own: Certificate,
        place: int,
        kept: tuple[float, tuple[int, ...]],
        classifier: Classifier,
    ) -> Certificate:
        distance, counts = kept
        radius = min(own.radius, distance)
        predicted = own.predicted if radius > 0 else None
        noise = picker_noise(self.sigma_e, self.sigmas)
        # The class was certified, but not who picks its sigma.
        unkept = (
            f"the network that picks \u03c3 gave {counts[place]:,} of {self.n:,} votes to "
            f"\u03c3={own.sigma:.10g} at noise {noise:.10g}, and these do not tell"
        )
        why = why_abstains(own) if own.predicted is None else unkept
        weaker = "the class" if own.radius <= distance else "the picked \u03c3"
        sentence = statement(
            guarantee=self.badge, predicted=predicted, class_names=classifier.spec.class_names,
            own_noise=classifier.random,
            radius=radius, sigma=own.sigma, alpha=self.alpha, n=self.n, n0=self.n0,
            noise=self.noise_kind, level=own.level, why=why,
            caveat=f"for the classifier whose \u03c3 is picked by {self.picker.title} out of "
            f"{self._choice()}, smoothed at \u03c3_e={noise:.10g}: the pick keeps "
            f"\u03c3={own.sigma:.10g}, and the class is voted on there; {weaker} cuts the radius",
        )  # fmt: skip
        return replace(
            own, predicted=predicted, radius=radius if predicted is not None else 0.0,
            statement=sentence, draws=own.draws + self.n,
            details={
                "picker": self.picker.weights_id,
                "sigma_e": noise,
                "sigmas": list(self.sigmas),
                "experts": [expert.weights_id for expert in self.experts],
                "picks": list(counts),
                "r_sigma": distance,
                "r_class": own.radius,
            },
        )  # fmt: skip

    def _choice(self) -> str:
        """The sigmas, and who votes at each where that is not one network."""
        if not self.experts:
            return ", ".join(f"{sigma:.4g}" for sigma in self.sigmas)
        pairs = zip(self.sigmas, self.experts, strict=True)
        return ", ".join(f"{sigma:.4g} ({expert.title})" for sigma, expert in pairs)


def check_same_size(picker: Classifier, classifier: Classifier) -> None:
    """Refuse a picker of images of another size.

    Raises:
        ParameterError: names both.
    """
    own, other = picker.spec.input_shape, classifier.spec.input_shape
    if own != other:
        raise ParameterError(
            f"{picker.title} reads images of {'x'.join(map(str, own))} and {classifier.title} of "
            f"{'x'.join(map(str, other))}: give two networks of one input size."
        )


def place_of(selection: Selection, sigmas: Sequence[float]) -> int:
    """Which of the sigmas was picked.

    Raises:
        ParameterError: none of them.
    """
    for place, sigma in enumerate(sigmas):
        if np.isclose(selection.sigma, sigma, rtol=1e-9, atol=0):
            return place
    raise ParameterError(
        f"{selection.selector} picked sigma={selection.sigma:g}, which is none of the "
        f"{len(sigmas)} that the picker's classes stand for, {ceil_digits(sigmas[0], 4)} to "
        f"{ceil_digits(sigmas[-1], 4)}: take the selector sigma_classifier."
    )
