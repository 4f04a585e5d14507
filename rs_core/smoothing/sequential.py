"""Draw only until the question "is the radius at least r?" is answered."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import numpy as np
from scipy.special import ndtr

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream, relay
from rs_core.fields import param
from rs_core.images import ImageInput
from rs_core.results import Decision, Outcome
from rs_core.smoothing.certify import draw_labels, make_certificate
from rs_core.smoothing.options import SIGMA_MAX, DrawOptions
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes
from rs_core.smoothing.witness import Witness
from rs_core.statistics import (
    anytime_lower_bound,
    floor_decimals,
    l2_radius,
    sequential_test,
)

_GROWTH = 1.15  # each look follows 15 % more draws than the last: few looks, little overshoot


@dataclass(frozen=True, kw_only=True)
class CertifySequential(DrawOptions):
    """Anytime-valid certification of "radius >= target_radius" (Voracek 2024).

    The test may stop at any look, early as certified or for futility; `n` is the most it may
    draw. The certificate's radius is the anytime-valid one at the moment of stopping.
    """

    sigma: float = param(
        help="noise level", unit="pixels of [0,1]", low=0, high=SIGMA_MAX, low_open=True
    )
    target_radius: float = param(
        help="radius to decide", unit="l2, pixels of [0,1]", low=0, high=100, low_open=True
    )
    n: int = param(100_000, help="most noisy copies to draw", low=1, high=1e8)

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Decision, ...]]:
        """Yields steps, then one decision per image.

        Raises:
            ParameterError: n draws could never reach the target, even if all agreed.
        """
        ceiling = float(l2_radius(self.sigma, anytime_lower_bound(self.n, self.n, self.alpha)))
        if self.target_radius >= ceiling:
            raise ParameterError(
                f"target_radius={self.target_radius:.10g} is out of reach at sigma={self.sigma:g} "
                f"with n={self.n:,} draws: at most {floor_decimals(ceiling, 3)}; raise sigma or n."
            )
        decisions = []
        for image in images:
            decision = yield from self._decide(classifier, image, seed, batch_size)
            decisions.append(decision)
        yield Finished(tuple(decisions))

    def looks(self, block: int) -> Iterator[int]:
        """Numbers of draws after which the test is consulted: whole blocks, then n itself."""
        look = block
        while look < self.n:
            yield look
            look += block * ceil(look * (_GROWTH - 1) / block)
        yield self.n

    def _decide(
        self, classifier: Classifier, image: ImageInput, seed: int, batch_size: int
    ) -> Generator[Step, None, Decision]:
        sigmas = np.array([[self.sigma]])
        labels = yield from relay(
            draw_labels(
                classifier, [image], sigmas, self.n0,
                seed=seed, caller="sequential", noise=self.noise_kind, batch_size=batch_size,
            ),
            total=self.n0 + self.n,
        )  # fmt: skip
        label = int(labels[0, 0])
        valid = label != classifier.num_classes
        counts = np.zeros(classifier.num_classes + 1, dtype=np.int64)
        p0 = float(ndtr(self.target_radius / self.sigma))
        outcome: Outcome = "undecided"
        drawn, witness = 0, Witness(classifier)
        for start, stop in pairwise((0, *self.looks(classifier.block))):
            votes = yield from relay(
                draw_votes(
                    classifier, [image], sigmas, stop - start,
                    seed=seed, caller="sequential", stage="certify", start=start,
                    noise=self.noise_kind, batch_size=batch_size, witness=witness,
                ),
                before=self.n0 + start, total=self.n0 + self.n,
            )  # fmt: skip
            counts += votes.counts[0, 0]
            drawn = stop
            if valid:
                outcome = sequential_test(int(counts[label]), drawn, p0, self.alpha)
            if outcome != "undecided" or not valid:
                break
        witness.hold()
        return self._decision(classifier, image, label, counts, drawn, outcome, seed)

    def _decision(
        self,
        classifier: Classifier,
        image: ImageInput,
        label: int,
        counts: np.ndarray,
        drawn: int,
        outcome: Outcome,
        seed: int,
    ) -> Decision:
        valid = label != classifier.num_classes
        p_lower = float(anytime_lower_bound(int(counts[label]) if valid else 0, drawn, self.alpha))
        certificate = make_certificate(
            self, classifier, image,
            label=label, radius=float(l2_radius(self.sigma, p_lower)), p_lower=p_lower,
            p_upper=None, sigma=self.sigma, alpha=self.alpha, counts=counts, n=drawn, seed=seed,
            stream="sequential 0", guarantee="A", bound="anytime",
        )  # fmt: skip
        return Decision(outcome, self.target_radius, certificate)
