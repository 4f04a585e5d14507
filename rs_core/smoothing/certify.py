"""CERTIFY: n0 draws name the class, n fresh draws bound its probability, the bound is a radius."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rs_core.abstention import votes_reason
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Stream, relay
from rs_core.fields import param
from rs_core.images import ImageInput
from rs_core.results import Badge, Certificate, Noise, Votes
from rs_core.smoothing.options import (
    SIGMA_MAX,
    Bound,
    CertifyOptions,
    DrawOptions,
    bound_level,
    noise_norm,
)
from rs_core.smoothing.sampling import BATCH_SIZE, VotesStep, draw_votes
from rs_core.smoothing.statements import statement
from rs_core.statistics import (
    l1_radius,
    l2_radius,
    l2_radius_two_sided,
    lower_confidence_bound,
    two_sided_bounds,
)


@dataclass(frozen=True, kw_only=True)
class Certify(CertifyOptions):
    """Cohen et al. (2019), CERTIFY, for one sigma fixed beforehand: badge A.

    A sigma that was `picked` after looking at certificates of the same image gets draws that no
    other question has, whatever the seed, and badge C.
    """

    sigma: float = param(
        help="noise level", unit="pixels of [0,1]", low=0, high=SIGMA_MAX, low_open=True
    )
    picked: bool = param(
        False, help="sigma was picked after looking at radii of the image: fresh draws, badge C"
    )

    @property
    def most_draws(self) -> int:
        """The noisy copies of one image."""
        return self.n0 + self.n

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = BATCH_SIZE,
    ) -> Stream[tuple[Certificate, ...]]:
        """Yields steps, then one certificate per image."""
        self.check_n(self.alpha)
        sigmas = np.full((len(images), 1), self.sigma)
        rows = yield from relay(
            certify_each(
                self, classifier, images, sigmas, self.alpha,
                seed=seed, caller=self._caller, guarantee="C" if self.picked else "A",
                batch_size=batch_size,
            )
        )  # fmt: skip
        yield Finished(tuple(row[0] for row in rows))

    @property
    def _caller(self) -> str:
        """Where the draws lie. Of a picked sigma, in a place that only these settings have: the
        next one may be picked after looking at this one."""
        if not self.picked:
            return "certify"
        return (
            f"picked sigma={self.sigma!r} n0={self.n0} n={self.n} alpha={self.alpha!r} "
            f"{self.bound} {self.noise_kind}"
        )


@dataclass(frozen=True, eq=False)
class CertifyStep(VotesStep):
    """Certifying votes so far, for the classes `labels` (B, S) that the n0 draws chose."""

    labels: np.ndarray


def certify_each(
    options: CertifyOptions,
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: np.ndarray,
    alpha: float,
    *,
    seed: int,
    caller: str,
    guarantee: Badge,
    part: int = 0,
    batch_size: int = BATCH_SIZE,
) -> Stream[tuple[tuple[Certificate, ...], ...]]:
    """Certificates (B)(S), each at level `alpha`, for sigmas (B, S); yields `CertifyStep`s."""
    label_draws, total = sigmas.size * options.n0, sigmas.size * (options.n0 + options.n)
    labels = yield from relay(
        draw_labels(
            classifier, images, sigmas, options.n0,
            seed=seed, caller=caller, part=part, noise=options.noise_kind, batch_size=batch_size,
        ),
        total=total,
    )  # fmt: skip
    stream = draw_votes(
        classifier, images, sigmas, options.n,
        seed=seed, caller=caller, part=part, stage="certify", noise=options.noise_kind,
        batch_size=batch_size,
    )  # fmt: skip
    votes = yield from relay(_with_labels(stream, labels), before=label_draws, total=total)
    yield Finished(
        certificates_from_votes(
            options, votes, labels, alpha,
            classifier=classifier, images=images, seed=seed, stream=f"{caller} {part}",
            guarantee=guarantee,
        )
    )  # fmt: skip


def draw_labels(
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: np.ndarray,
    n0: int,
    *,
    seed: int,
    caller: str,
    noise: Noise,
    part: int = 0,
    batch_size: int = BATCH_SIZE,
) -> Stream[np.ndarray]:
    """The most voted class (B, S) of n0 draws that certify nothing; K stands for INVALID."""
    votes = yield from relay(
        draw_votes(
            classifier, images, sigmas, n0,
            seed=seed, caller=caller, part=part, stage="label", noise=noise,
            batch_size=batch_size,
        )
    )  # fmt: skip
    yield Finished(np.asarray(votes.counts.argmax(axis=-1)))


def _with_labels(stream: Stream[Votes], labels: np.ndarray) -> Stream[Votes]:
    for event in stream:
        if isinstance(event, VotesStep):
            yield CertifyStep(event.done, event.total, event.counts, event.n_done, labels)
        else:
            yield event


def certificates_from_votes(
    options: CertifyOptions,
    votes: Votes,
    labels: np.ndarray,
    alpha: float,
    *,
    classifier: Classifier,
    images: Sequence[ImageInput],
    seed: int,
    stream: str,
    guarantee: Badge,
) -> tuple[tuple[Certificate, ...], ...]:
    """Certificates (B)(S) at level `alpha` from votes that were drawn to certify.

    Args:
        votes: of stage "certify"; draws that chose a class or a sigma are refused.
        labels: (B, S) class to certify, chosen on other draws; K (INVALID) abstains.

    Raises:
        ParameterError: the votes are of another stage, or drawn under other noise.
    """
    check_fresh(options, votes)
    p_lower, p_upper, radii = bound_radii(options.bound, votes, labels, alpha)
    return tuple(
        tuple(
            make_certificate(
                options, classifier, image,
                label=int(labels[b, s]), radius=float(radii[b, s]), p_lower=float(p_lower[b, s]),
                p_upper=None if p_upper is None else float(p_upper[b, s]),
                sigma=float(votes.sigmas[b, s]), alpha=alpha, counts=votes.counts[b, s],
                n=votes.n, seed=seed, stream=stream, guarantee=guarantee,
                bound=options.bound,
            )
            for s in range(votes.sigmas.shape[1])
        )
        for b, image in enumerate(images)
    )  # fmt: skip


def check_fresh(options: DrawOptions, votes: Votes) -> None:
    """Refuse votes that cannot certify.

    Raises:
        ParameterError: they are of another stage, or drawn under other noise.
    """
    if votes.stage != "certify":
        raise ParameterError(
            f"votes of stage {votes.stage!r} cannot certify: draw fresh ones of stage 'certify'."
        )
    if votes.noise != options.noise_kind:
        raise ParameterError(
            f"votes under {votes.noise} noise cannot certify for {options.noise_kind} noise: draw "
            "fresh ones."
        )


def bound_radii(
    bound: Bound, votes: Votes, labels: np.ndarray, alpha: float
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """(p_lower, p_upper of the runner-up or None, radius), each (B, S); INVALID labels get 0."""
    invalid = votes.counts.shape[-1] - 1
    if bound == "two-sided":
        p_lower, p_upper = two_sided_bounds(votes.counts, labels, alpha)
        p_lower = np.where(labels == invalid, 0.0, p_lower)
        two_sided = l1_radius if noise_norm(votes.noise) == "l1" else l2_radius_two_sided
        radii = np.asarray(two_sided(votes.sigmas, p_lower, p_upper))
        return p_lower, np.asarray(p_upper), np.where(labels == invalid, 0.0, radii)
    n_top = np.take_along_axis(votes.counts, labels[..., None], axis=-1)[..., 0]
    p_lower = np.where(labels == invalid, 0.0, lower_confidence_bound(n_top, votes.n, alpha))
    if noise_norm(votes.noise) == "l1":
        return p_lower, None, np.asarray(l1_radius(votes.sigmas, p_lower, 1 - p_lower))
    return p_lower, None, np.asarray(l2_radius(votes.sigmas, p_lower))


def make_certificate(
    options: DrawOptions,
    classifier: Classifier,
    image: ImageInput,
    *,
    label: int,
    radius: float,
    p_lower: float,
    p_upper: float | None,
    sigma: float,
    alpha: float,
    counts: np.ndarray,
    n: int,
    seed: int,
    stream: str,
    guarantee: Badge,
    bound: str,
) -> Certificate:
    """The certificate of one image at one sigma; abstains where the radius is 0."""
    predicted = label if radius > 0 else None
    level, votes = bound_level(bound, alpha), tuple(int(c) for c in counts)
    sentence = statement(
        guarantee=guarantee, predicted=predicted, class_names=classifier.spec.class_names,
        own_noise=classifier.random,
        radius=radius, sigma=sigma, alpha=alpha, n=n, n0=options.n0, noise=options.noise_kind,
        sequential=bound == "anytime",
        level=level, why=votes_reason(votes, votes[label], n, options.n0, level),
    )  # fmt: skip
    return Certificate(
        predicted=predicted,
        radius=radius if predicted is not None else 0.0,
        norm=options.norm,
        p_lower=p_lower,
        p_upper_runner_up=p_upper,
        sigma=sigma,
        n_top=votes[label],
        n0=options.n0,
        n=n,
        alpha=alpha,
        bound=bound,
        guarantee=guarantee,
        statement=sentence,
        counts=votes,
        draws=options.n0 + n,
        noise=options.noise_kind,
        stream=stream,
        precision=classifier.precision,
        device=classifier.device.type,
        weights_id=classifier.weights_id,
        image_digest=image.digest,
        preprocessing=image.preprocessing,
        seed=int(seed),
        level=level,
    )
