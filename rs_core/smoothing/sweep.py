"""A grid of sigmas for one image: its radius curve, and the best sigma certified afresh."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.special import ndtri

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream, relay
from rs_core.fields import param
from rs_core.images import ImageInput
from rs_core.results import Certificate, RadiusCurve
from rs_core.smoothing.certify import CertifyStep, certify_each
from rs_core.smoothing.options import SIGMA_MAX, CertifyOptions
from rs_core.smoothing.sampling import BATCH_SIZE
from rs_core.statistics import anytime_lower_bound, anytime_upper_bound, l2_radius

DEFAULT_SIGMAS = (0.05, 0.07, 0.09, 0.12, 0.17, 0.23, 0.32, 0.43, 0.59, 0.80, 1.10, 1.50)


@dataclass(frozen=True, kw_only=True)
class Sweep(CertifyOptions):
    """Certificates over a grid of sigmas that share their noise, simultaneous by default.

    Simultaneous: each of the S sigmas pays alpha/S, so all radii of the curve hold together
    with probability at least 1 - alpha (union bound; the shared noise does not matter).
    The sigma with the largest radius is certified again on fresh draws at alpha: it was picked
    for this image and is held fixed, badge C.
    """

    sigmas: tuple[float, ...] = param(
        DEFAULT_SIGMAS,
        help="noise levels",
        unit="pixels of [0,1]",
        low=0,
        high=SIGMA_MAX,
        low_open=True,
    )
    simultaneous: bool = param(True, help="all radii hold together; off: each alone")
    recertify: bool = param(True, help="certify the best sigma again on fresh draws (badge C)")

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sigmas", tuple(sorted(set(self.sigmas))))
        for low, high in pairwise(self.sigmas):
            if f"{low:g}" == f"{high:g}":
                raise ParameterError(
                    f"sigmas={low!r} and {high!r} are the same in the first six digits, which is "
                    "all that tables show: leave one of them out."
                )

    @property
    def point_alpha(self) -> float:
        """The level that each sigma pays."""
        return self.alpha / len(self.sigmas) if self.simultaneous else self.alpha

    @property
    def most_draws(self) -> int:
        """The most noisy copies of one image: every sigma, and the best one again."""
        return (len(self.sigmas) + self.recertify) * (self.n0 + self.n)

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[RadiusCurve, ...]]:
        """Yields `SweepStep`s, then one curve per image."""
        self.check_n(self.point_alpha)
        per_image = self.most_draws
        curves = []
        for index, image in enumerate(images):
            curve = yield from relay(
                self._one(classifier, image, seed=seed, batch_size=batch_size),
                before=index * per_image,
                total=len(images) * per_image,
            )
            curves.append(curve)
        yield Finished(tuple(curves))

    def _one(
        self, classifier: Classifier, image: ImageInput, *, seed: int, batch_size: int
    ) -> Stream[RadiusCurve]:
        stream = certify_each(
            self, classifier, [image], np.array([self.sigmas]), self.point_alpha,
            seed=seed, caller="sweep", guarantee="A", batch_size=batch_size,
        )  # fmt: skip
        rows = yield from relay(_with_band(stream, np.array(self.sigmas), self.point_alpha))
        best = yield from self._recertified(classifier, image, rows[0], seed, batch_size)
        yield Finished(
            RadiusCurve(
                certificates=rows[0], alpha=self.alpha, simultaneous=self.simultaneous, best=best
            )
        )

    def _recertified(
        self,
        classifier: Classifier,
        image: ImageInput,
        row: tuple[Certificate, ...],
        seed: int,
        batch_size: int,
    ) -> Generator[Step, None, Certificate | None]:
        top = max(row, key=lambda certificate: certificate.radius)
        if not self.recertify or top.predicted is None:
            return None
        draws = self.n0 + self.n
        fresh = yield from relay(
            certify_each(
                self, classifier, [image], np.array([[top.sigma]]), self.alpha,
                seed=seed, caller="sweep", part=1, guarantee="C", batch_size=batch_size,
            ),
            before=len(self.sigmas) * draws,
            total=(len(self.sigmas) + 1) * draws,
        )  # fmt: skip
        return fresh[0][0]


@dataclass(frozen=True, eq=False)
class SweepStep(Step):
    """A curve under way: arrays (S,) over ascending sigmas after `n_done` copies per sigma.

    `predicted` is -1 where the n0 draws were INVALID. `lower` and `upper` are radii of the
    anytime-valid band: at every moment, together, they hold with the probability that the
    finished curve claims; an open upper end is infinite. They are computed when asked for: who
    only drains the stream does not pay for a band that nobody sees.
    """

    sigmas: np.ndarray
    predicted: np.ndarray
    n_top: np.ndarray
    n_done: int
    point_alpha: float

    @cached_property
    def lower(self) -> np.ndarray:
        """Lower end of the band; half of `point_alpha`, for there are two ends."""
        p_lower = anytime_lower_bound(self.n_top, self.n_done, self.point_alpha / 2)
        return np.where(self.predicted < 0, 0.0, l2_radius(self.sigmas, p_lower))

    @cached_property
    def upper(self) -> np.ndarray:
        """Upper end of the band; unanimous votes leave it open, for ndtri(1) is infinite."""
        p_upper = anytime_upper_bound(self.n_top, self.n_done, self.point_alpha / 2)
        return np.where(self.predicted < 0, 0.0, np.maximum(self.sigmas * ndtri(p_upper), 0.0))


def _with_band(
    stream: Stream[tuple[tuple[Certificate, ...], ...]], sigmas: np.ndarray, alpha: float
) -> Stream[tuple[tuple[Certificate, ...], ...]]:
    for event in stream:
        yield _sweep_step(event, sigmas, alpha) if isinstance(event, CertifyStep) else event


def _sweep_step(step: CertifyStep, sigmas: np.ndarray, alpha: float) -> SweepStep:
    labels, counts = step.labels[0], step.counts[0]
    return SweepStep(
        done=step.done,
        total=step.total,
        sigmas=sigmas,
        predicted=np.where(labels == counts.shape[-1] - 1, -1, labels),
        n_top=np.take_along_axis(counts, labels[:, None], axis=-1)[:, 0],
        n_done=int(step.n_done[0]),
        point_alpha=alpha,
    )
