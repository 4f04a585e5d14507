"""Median smoothing of a network that answers with one number: Chiang et al. (2020)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from rs_core.classifiers import Classifier
from rs_core.classifiers.fingerprints import module_id
from rs_core.classifiers.probe import agree, check_calls, check_rows, same_size_share
from rs_core.errors import ModelFileError
from rs_core.events import Finished, Step, Stream
from rs_core.images import ImageInput
from rs_core.results import Noise
from rs_core.seeding import block_seeds, derive_key, derive_seed
from rs_core.smoothing.draw_checks import check_draws
from rs_core.smoothing.noise import as_batch, as_steps, noisy_rows, unit_noise
from rs_core.smoothing.options import is_exact
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
        invalid: how many of the draws were NaN or infinite.
    """

    median: float
    lower: float
    upper: float
    indices: MedianIndices
    percentiles: tuple[float, float]
    distance: float
    invalid: int = 0


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
        values: (n,) answers under noise, in any order; NaN and infinities are none.
        sigma: of that noise, sigma_m.
        distance: D.
        alpha: error of each side: both together fail with probability at most 2 alpha.
        beta: None bounds the population median; a number widens the percentiles for the
            deployed median of as many draws, which leaves them with probability at most beta
            per query.
        clip: the answers are clipped to these; they are the bounds beyond the sample's reach.

    A draw without an answer counts as +infinity above and as -infinity below. Both are functions
    that have a number everywhere, so the theorem bounds the median of the first from above and
    that of the second from below; a query that abstains where any of its own draws has no answer
    takes a median, if one at all, that is the median of both.

    Chiang et al. (2020), Theorem 2; alpha per side.
    """
    drawn = np.asarray(values, dtype=np.float64)
    answered = np.isfinite(drawn)
    below, above = (
        np.sort(np.clip(np.where(answered, drawn, end), *clip)) for end in (-np.inf, np.inf)
    )
    count = len(drawn)
    around = (0.5, 0.5) if beta is None else empirical_median_percentiles(count, beta)
    percentiles = shifted_percentiles(distance, sigma, around)
    indices = median_indices(count, *percentiles, alpha)
    return MedianBound(
        median=float(below[(count - 1) // 2]),
        lower=clip[0] if indices.lower is None else float(below[indices.lower - 1]),
        upper=clip[1] if indices.upper is None else float(above[indices.upper - 1]),
        indices=indices,
        percentiles=percentiles,
        distance=distance,
        invalid=int(count - answered.sum()),
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
    noise: Noise = "gaussian-grid",
) -> Stream[np.ndarray]:
    """Answers (B, n) float64 of noisy copies of each image; NaN or infinite where there is none.

    The first pass is asked for again at the end: what drifts is no function of the image.

    Args:
        network: h.
        classifier: gives the device, the input shape and the size of a block of noise.
        sigma: of the noise, sigma_m.
        n: copies per image.
        seed, caller: name the stream of noise; no votes share it.
        noise: as in `draw_votes`.

    Yields:
        Steps, then `Finished`.

    Raises:
        ModelFileError: the network answers with another number of values, or changed meanwhile.
        ParameterError: images or sigma that this noise cannot take.
    """
    check_draws(classifier, images, np.full((len(images), 1), sigma), 0, noise)
    first_asked: tuple[Tensor, np.ndarray] | None = None
    answers = np.empty((len(images), n))
    size, total = classifier.block, len(images) * n
    done = 0
    for row, image in enumerate(images):
        pixels = (as_steps if is_exact(noise) else as_batch)(classifier, image)
        keys = _keys(seed, ("scalars", caller, image.digest), -(-n // size), noise)
        for number, key in enumerate(keys):
            first = number * size
            take = min(size, n - first)
            z = unit_noise(classifier, size, key, noise)
            (asked,) = noisy_rows(pixels, z, [sigma], noise, last=True)
            found = _answers(network, asked)
            first_asked = first_asked or (asked, found)
            answers[row, first : first + take] = found[:take]
            done += take
            if number % _BLOCKS_AT_ONCE == 0 or done == total:
                yield Step(done=done, total=total)
    if first_asked is not None:
        asked, found = first_asked
        again = torch.from_numpy(_answers(network, asked))[:, None]
        share = same_size_share(classifier.device, "fp32")
        if not agree(torch.from_numpy(found)[:, None], again, share):
            raise ModelFileError(
                "the scalar network changed while it was asked: asked again at the end, it "
                "answered noisy copies otherwise. Let its answer hang on the image alone."
            )
    yield Finished(answers)


def check_scalar(network: ScalarNetwork, classifier: Classifier) -> None:
    """Refuse a scalar network whose draws would not be independent, as networks of classes are.

    Raises:
        ModelFileError: it is in training mode, answers other than with one number per image, or
            an answer hangs on the other images of its batch, on chance or on earlier calls.
    """
    modules = network.modules() if isinstance(network, nn.Module) else ()
    if any(module.training for module in modules):
        raise ModelFileError(
            "the scalar network is in training mode, in which its answers may hang on each other: "
            "call its eval() first."
        )
    spec = replace(classifier.spec, name="the scalar network", class_names=("h",))

    def column(pixels: Tensor) -> Tensor:
        found = network(pixels)
        return found[:, None] if isinstance(found, Tensor) and found.ndim == 1 else found

    check_calls(column, spec, classifier.device)
    check_rows(column, spec, classifier.device, (classifier.block,), "fp32")


def scalar_id(network: ScalarNetwork, classifier: Classifier) -> str:
    """16 hex digits naming a scalar network, as `weights_id` names one of classes.

    Raises:
        ModelFileError: its state cannot be read.
    """
    return module_id(_Scalar(network), classifier.spec)


class _Scalar(nn.Module):
    """A scalar network, module or function, as the attribute of a module."""

    def __init__(self, network: ScalarNetwork) -> None:
        super().__init__()
        self.network = network


def _keys(seed: int, path: tuple[str, ...], count: int, noise: Noise) -> Iterable[int]:
    """One key per block: 128 bits for exact noise, 32 as published."""
    if is_exact(noise):
        return (derive_key(seed, *path, number) for number in range(count))
    return block_seeds(derive_seed(seed, *path), 0, 0, count)


def _answers(network: ScalarNetwork, asked: Tensor) -> np.ndarray:
    with torch.inference_mode():
        found = network(asked)
    rows = len(asked)
    if not isinstance(found, Tensor) or found.numel() != rows:
        raise ModelFileError(f"the scalar network must answer {rows} numbers for {rows} images.")
    values: np.ndarray = found.flatten().double().cpu().numpy()
    return values
