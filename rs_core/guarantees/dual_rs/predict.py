"""PREDICT for Dual RS: the picker is asked which sigma, then the class is voted on there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rs_core.classifiers import Classifier
from rs_core.events import Finished, Stream, relay
from rs_core.fields import check_params, param
from rs_core.guarantees.dual_rs.guarantee import check_same_size
from rs_core.images import ImageInput
from rs_core.results import Prediction
from rs_core.selectors.sigma_classifier import SIGMA_E, SIGMAS, check_picker, picker_noise
from rs_core.smoothing.options import ARITHMETIC, Arithmetic
from rs_core.smoothing.sampling import BATCH_SIZE
from rs_core.smoothing.voting import Predict
from rs_core.statistics import add_risks


@dataclass(frozen=True, kw_only=True, eq=False)
class PredictDualRS:
    """The class that the classifier of `DualRS` answers, or an abstention of either network.

    Another class is answered with probability alpha_e + alpha at most: of both PREDICTs.

    Fields:
        picker, experts: as of `DualRS`.
    """

    picker: Classifier
    sigmas: tuple[float, ...] = SIGMAS
    sigma_e: float | None = SIGMA_E
    experts: tuple[Classifier, ...] = ()
    n: int = param(1000, help="noisy copies of each of the two votes", low=1, high=1e8)
    alpha: float = param(1e-3, help="probability of a wrong class", low=0, high=0.5, low_open=True)
    alpha_e: float = param(
        1e-3, help="probability of a wrong sigma", low=0, high=0.5, low_open=True
    )
    noise: Arithmetic = ARITHMETIC

    def __post_init__(self) -> None:
        check_params(self)
        check_picker(self.picker, self.sigmas)

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Prediction, ...]]:
        """Yields steps, then one prediction per image, its alpha that of both votes.

        Where the picker abstains the prediction is its own: no class, and its votes.
        """
        check_same_size(self.picker, classifier)
        noise, total = picker_noise(self.sigma_e, self.sigmas), 2 * self.n * len(images)
        which = Predict(sigma=noise, n=self.n, alpha=self.alpha_e, noise=self.noise)
        options = {"seed": seed, "batch_size": batch_size}
        picks = yield from relay(which.run(self.picker, images, **options), total=total)
        found: list[Prediction] = []
        for index, (image, pick) in enumerate(zip(images, picks, strict=True)):
            answer = pick
            if pick.predicted is not None:
                voter = self.experts[pick.predicted] if self.experts else classifier
                vote = Predict(
                    sigma=self.sigmas[pick.predicted], n=self.n, alpha=self.alpha,
                    noise=self.noise,
                )  # fmt: skip
                before = self.n * (len(images) + index)
                stream = vote.run(voter, [image], **options)
                (answer,) = yield from relay(stream, before=before, total=total)
            found.append(replace(answer, alpha=add_risks(self.alpha_e, self.alpha)))
        yield Finished(tuple(found))
