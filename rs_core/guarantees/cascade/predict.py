"""PREDICT for a cascade over sigmas: which class answers, with finite draws, or an abstention."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, bdtrc

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, relay
from rs_core.fields import check_params, param
from rs_core.guarantees.cascade.guarantee import SCALES
from rs_core.images import ImageInput
from rs_core.results import Prediction
from rs_core.smoothing.options import ARITHMETIC, Arithmetic, check_level, noise_kind
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes
from rs_core.smoothing.voting import make_prediction
from rs_core.statistics import MAJORITY, ceil_digits


@dataclass(frozen=True, kw_only=True)
class PredictCascade:
    """The class that the cascade of `guarantees.Cascade` answers, asked with n copies a scale.

    From the largest sigma down: more than half of the probability for a class answers it, less
    than half for every class asks the next scale, and where these copies do not tell, or all
    scales were asked, it abstains. Each scale is decided at alpha / K, half of it a side, so that
    another class than the cascade's is answered with probability alpha at most (docs/cascade.md).

    Raises:
        ParameterError: a field out of range, or an n that abstains whatever its copies say.
    """

    sigmas: tuple[float, ...] = SCALES
    n: int = param(1000, help="noisy copies that vote at each scale", low=1, high=1e8)
    alpha: float = param(
        1e-3, help="probability of returning a wrong class", low=0, high=0.5, low_open=True
    )
    noise: Arithmetic = ARITHMETIC

    def __post_init__(self) -> None:
        check_params(self)
        object.__setattr__(self, "sigmas", tuple(sorted({float(s) for s in self.sigmas})))
        share = self.alpha / len(self.sigmas)
        check_level(self.alpha, share)
        least = int(np.ceil(1 - np.log2(share)))
        if self.n < least:
            raise ParameterError(
                f"n={self.n} can never answer at level {ceil_digits(share, 3)}, alpha shared by "
                f"{len(self.sigmas)} scales: give n of at least {least}."
            )

    @property
    def most_draws(self) -> int:
        """The noisy copies of one image."""
        return len(self.sigmas) * self.n

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Prediction, ...]]:
        """Yields steps, then one prediction per image; `predicted` is None for abstain.

        A prediction's votes are those of the scale that decided, whose sigma it names; its
        `p_value` is K times that of the least sure scale asked. An INVALID majority abstains.
        """
        votes = yield from relay(
            draw_votes(
                classifier, images, np.tile(self.sigmas, (len(images), 1)), self.n,
                seed=seed, caller="cascade", stage="predict",
                noise=noise_kind(self.noise), batch_size=batch_size,
            )
        )  # fmt: skip
        yield Finished(
            tuple(
                self._prediction(classifier, image, votes.counts[b], seed)
                for b, image in enumerate(images)
            )
        )

    def answer(self, counts: np.ndarray) -> tuple[int, int | None, float]:
        """(scale, class or None, p-value) from votes (S, K+1), scales ascending.

        Where no scale has a majority the scale is the smallest.
        """
        p_value = 0.0
        for scale in reversed(range(len(counts))):
            most, total = int(counts[scale].max()), int(counts[scale].sum())
            # P(Bin(total, 1/2) >= most), which more than half of the votes make small, or <=.
            is_majority = 2 * most > total
            side = bdtrc(most - 1, total, MAJORITY) if is_majority else bdtr(most, total, MAJORITY)
            p_value = max(p_value, min(2 * float(side) * len(counts), 1.0))
            if p_value > self.alpha:
                return scale, None, p_value
            if is_majority:
                label = int(counts[scale].argmax())
                return scale, None if label == counts.shape[1] - 1 else label, p_value
        return 0, None, p_value

    def _prediction(
        self, classifier: Classifier, image: ImageInput, counts: np.ndarray, seed: int
    ) -> Prediction:
        scale, predicted, p_value = self.answer(counts)
        return make_prediction(
            classifier, image, counts[scale], predicted=predicted, p_value=p_value,
            sigma=self.sigmas[scale], n=self.n, alpha=self.alpha, noise=self.noise, seed=seed,
        )  # fmt: skip
