"""PREDICT: the smoothed class of an image, or an honest abstention."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rs_core.classifiers import Classifier
from rs_core.events import Finished, Stream, relay
from rs_core.fields import check_params, param
from rs_core.images import ImageInput
from rs_core.results import Prediction
from rs_core.smoothing.draw_checks import check_decidable
from rs_core.smoothing.options import ARITHMETIC, SIGMA_MAX, Arithmetic, check_level, noise_kind
from rs_core.smoothing.sampling import BATCH_SIZE, draw_votes
from rs_core.statistics import top_two_p_value


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Cohen et al. (2019), PREDICT: a two-sided binomial test of the top two vote counts.

    Raises:
        ParameterError: a field out of range, or an n that abstains whatever its copies say.
    """

    sigma: float = param(
        help="noise level", unit="pixels of [0,1]", low=0, high=SIGMA_MAX, low_open=True
    )
    n: int = param(1000, help="noisy copies that vote", low=1, high=1e8)
    alpha: float = param(
        1e-3, help="probability of returning a wrong class", low=0, high=0.5, low_open=True
    )

    noise: Arithmetic = ARITHMETIC

    def __post_init__(self) -> None:
        check_params(self)
        check_level(self.alpha, self.alpha)
        check_decidable(self.n, self.alpha)

    @property
    def most_draws(self) -> int:
        """The noisy copies of one image."""
        return self.n

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Prediction, ...]]:
        """Yields steps, then one prediction per image; `predicted` is None for abstain.

        An INVALID majority abstains; an INVALID runner-up counts as any other class. Under
        the noise of a certificate this is the classifier that the certificate speaks of.
        """
        votes = yield from relay(
            draw_votes(
                classifier, images, np.full((len(images), 1), self.sigma), self.n,
                seed=seed, caller="predict", stage="predict",
                noise=noise_kind(self.noise), batch_size=batch_size,
            )
        )  # fmt: skip
        predictions = tuple(
            self._prediction(classifier, image, votes.counts[b, 0], seed)
            for b, image in enumerate(images)
        )
        yield Finished(predictions)

    def _prediction(
        self, classifier: Classifier, image: ImageInput, counts: np.ndarray, seed: int
    ) -> Prediction:
        # A stable sort keeps the classifier's own tie rule: the first index wins.
        first, second = np.argsort(-counts, kind="stable")[:2]
        p_value = float(top_two_p_value(int(counts[first]), int(counts[second])))
        sure = p_value <= self.alpha and first != classifier.num_classes
        return make_prediction(
            classifier, image, counts, predicted=int(first) if sure else None, p_value=p_value,
            sigma=self.sigma, n=self.n, alpha=self.alpha, noise=self.noise, seed=seed,
        )  # fmt: skip


def make_prediction(
    classifier: Classifier,
    image: ImageInput,
    counts: np.ndarray,
    *,
    predicted: int | None,
    p_value: float,
    sigma: float,
    n: int,
    alpha: float,
    noise: Arithmetic,
    seed: int,
) -> Prediction:
    """The prediction from votes (K+1) at one sigma, with everything that repeats it."""
    first, second = np.sort(counts)[::-1][:2]
    return Prediction(
        predicted=predicted,
        p_value=p_value,
        top_counts=(int(first), int(second)),
        counts=tuple(int(c) for c in counts),
        sigma=sigma,
        n=n,
        alpha=alpha,
        noise=noise_kind(noise),
        precision=classifier.precision,
        device=classifier.device.type,
        weights_id=classifier.weights_id,
        image_digest=image.digest,
        preprocessing=image.preprocessing,
        seed=int(seed),
    )
