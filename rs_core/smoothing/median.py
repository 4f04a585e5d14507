"""Median smoothing of a network that answers with one number: Chiang et al. (2020)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.errors import ModelFileError
from rs_core.events import Finished, Step, Stream
from rs_core.images import ImageInput
from rs_core.seeding import block_seeds, derive_seed
from rs_core.smoothing.noise import as_batch, standard_normal
from rs_core.statistics import (
    MedianIndices,
    empirical_median_percentiles,
    median_indices,
    shifted_percentiles,
)

_BLOCKS_AT_ONCE = 4


class ScalarNetwork(Protocol):
    """Pixels (B, C, H, W) float32 of [0,1] to B numbers, each row on its own."""

    def __call__(self, pixels: Tensor) -> Tensor:
        """(B,) or (B, 1)."""
        ...


@dataclass(frozen=True)
class MedianBound:
    """What a median smoothed network answers, and may answer within a distance.

    Fields:
        median: the lower median of the draws here, one order statistic.
        lower, upper: bounds of the deployed median anywhere within `distance`; infinite, or
            the given clip, where the sample is too small for a bound.
        indices: the 1-based positions behind the bounds; None where there is none.
        percentiles: the theoretical percentiles that they stand for.
        distance: l2, pixels of [0,1].
    """

    median: float
    lower: float
    upper: float
    indices: MedianIndices
    percentiles: tuple[float, float]
    distance: float


def median_bound(
    values: np.ndarray,
    *,
    sigma: float,
    distance: float,
    alpha: float,
    beta: float | None = None,
    clip: tuple[float, float] = (-np.inf, np.inf),
) -> MedianBound:
    """Bounds of the smoothed answer within a distance, from draws of stage "certify".

    Args:
        values: (n,) answers under noise, in any order.
        sigma: of that noise, sigma_m.
        distance: D.
        alpha: error of each side: both together fail with probability at most 2 alpha.
        beta: None bounds the population median; a number widens the percentiles for the
            deployed median of as many draws, which leaves them with probability at most beta
            per query.
        clip: the answers are clipped to these; they are the bounds beyond the sample's reach.

    Chiang et al. (2020), Theorem 2; alpha per side.
    """
    ordered = np.sort(np.clip(np.asarray(values, dtype=np.float64), *clip))
    count = len(ordered)
    around = (0.5, 0.5) if beta is None else empirical_median_percentiles(count, beta)
    percentiles = shifted_percentiles(distance, sigma, around)
    indices = median_indices(count, *percentiles, alpha)
    return MedianBound(
        median=float(ordered[(count - 1) // 2]),
        lower=clip[0] if indices.lower is None else float(ordered[indices.lower - 1]),
        upper=clip[1] if indices.upper is None else float(ordered[indices.upper - 1]),
        indices=indices,
        percentiles=percentiles,
        distance=distance,
    )


def draw_scalars(
    network: ScalarNetwork,
    classifier: Classifier,
    images: Sequence[ImageInput],
    *,
    sigma: float,
    n: int,
    seed: int,
    caller: str,
) -> Stream[np.ndarray]:
    """Answers (B, n) float64 of noisy copies of each image.

    Args:
        network: h.
        classifier: gives the device, the input shape and the size of a block of noise.
        sigma: of the noise, sigma_m.
        n: copies per image.
        seed, caller: name the stream of noise; no votes share it.

    Yields:
        Steps, then `Finished`.

    Raises:
        ModelFileError: the network answers with another number of values, NaN or infinity.
    """
    answers = np.empty((len(images), n))
    size, total = classifier.block, len(images) * n
    done = 0
    for row, image in enumerate(images):
        pixels = as_batch(classifier, image)
        base = derive_seed(seed, "scalars", caller, image.digest)
        for number, block_seed in enumerate(block_seeds(base, 0, 0, -(-n // size))):
            first = number * size
            take = min(size, n - first)
            z = standard_normal(classifier, size, block_seed, torch.float32)
            with torch.inference_mode():
                found = network(torch.add(pixels, z, alpha=sigma))
            answers[row, first : first + take] = _held(found, size)[:take]
            done += take
            if number % _BLOCKS_AT_ONCE == 0 or done == total:
                yield Step(done=done, total=total)
    yield Finished(answers)


def _held(found: Tensor, rows: int) -> np.ndarray:
    if not isinstance(found, Tensor) or found.numel() != rows:
        raise ModelFileError(f"the scalar network must answer {rows} numbers for {rows} images.")
    values: np.ndarray = found.flatten().double().cpu().numpy()
    if not np.isfinite(values).all():
        raise ModelFileError("the scalar network answers NaN or infinity: nothing can be bounded.")
    return values
