"""The one hot loop: noisy copies of images in, votes out.

Noise comes in numbered blocks. Block i of a stream has its own generator, seeded from (seed,
caller's path, image digest, weights id, stage, i) and never from sigma, so a sweep shares its
blocks between all its sigmas. On a CPU a block is computed whole (the last one padded) by one
thread, so counts depend neither on the batch size, nor on how many sigmas are swept together,
nor on the number of threads, nor on where a stream was cut and resumed.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from threading import Barrier
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream
from rs_core.images import ImageInput
from rs_core.results import Stage, Votes
from rs_core.seeding import derive_seed

Noise = Literal["gaussian", "gaussian-grid"]
BATCH_SIZE = 1024
_GRID = 1024  # steps per 8-bit level in the rigorous mode
_GRID_SIGMA_MAX = 7.0  # above, 255*sigma*8.57 + 255 would leave float32's exact range 2**24/1024


@dataclass(frozen=True, eq=False)
class VotesStep(Step):
    """Votes so far: `counts` (B, S, K+1) int64 after `n_done` (B,) copies per image and sigma."""

    counts: np.ndarray
    n_done: np.ndarray


@dataclass(frozen=True, eq=False)
class _Block:
    image: int
    take: int  # rows that count; the rest of a CPU block is padding
    seed: int


def draw_votes(
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: np.ndarray,
    n: int,
    *,
    seed: int,
    path: tuple[str, ...],
    stage: Stage,
    start: int = 0,
    noise: Noise = "gaussian",
    batch_size: int = BATCH_SIZE,
) -> Stream[Votes]:
    """Votes of n noisy copies of each image at each of its sigmas.

    Args:
        classifier: the prepared network f.
        images: B images of the network's input shape.
        sigmas: (B, S) standard deviations, pixels of [0,1].
        n: copies per image and sigma.
        seed, path, stage: name the stream of noise; callers that choose and callers that certify
            must differ in path or stage.
        start: copies of this stream already drawn; a multiple of `classifier.block`.
        noise: "gaussian" (float32 draws, taken as exactly Gaussian) or "gaussian-grid" (rigorous:
            float64 draws rounded to 1/1024 of an 8-bit level, added exactly to 8-bit pixels).
        batch_size: forward passes between two steps.

    Yields:
        `VotesStep` about every `batch_size` forward passes, then `Finished(Votes)`.

    Raises:
        ParameterError: shapes disagree, or the rigorous mode was asked for an image that is not
            8-bit or a sigma above 7.

    Reference: Cohen et al. (2019), SampleUnderNoise; rigorous mode: Voracek & Hein (2023).
    """
    sigmas = np.asarray(sigmas, dtype=np.float64)
    _check(classifier, images, sigmas, start, noise)
    counts = np.zeros((*sigmas.shape, classifier.num_classes + 1), dtype=np.int64)
    n_done = np.zeros(len(images), dtype=np.int64)
    blocks = _blocks(classifier, images, n, seed=seed, path=path, stage=stage, start=start)
    pixels = [_as_batch(classifier, image) for image in images]
    total = int(sigmas.size) * n
    per_step = max(_threads(classifier), batch_size // (classifier.block * sigmas.shape[1]), 1)
    while group := list(islice(blocks, per_step)):
        votes = _run_blocks(classifier, group, pixels, sigmas, noise)
        for block, block_counts in zip(group, votes, strict=True):
            counts[block.image] += block_counts
            n_done[block.image] += block.take
        done = int(n_done.sum()) * sigmas.shape[1]
        yield VotesStep(done=done, total=total, counts=counts.copy(), n_done=n_done.copy())
    yield Finished(Votes(counts=counts, sigmas=sigmas, n=n, stage=stage))


def noisy_copies(
    classifier: Classifier, image: ImageInput, sigmas: Sequence[float], *, seed: int
) -> np.ndarray:
    """One noisy copy (S, C, H, W) float32 per sigma, for display; all share one noise draw."""
    seed = derive_seed(seed, "noisy-copies", image.digest)
    z = _standard_normal(classifier, 1, seed, torch.float32)
    pixels = _as_batch(classifier, image)
    copies = [torch.add(pixels, z, alpha=float(sigma))[0] for sigma in sigmas]
    return torch.stack(copies).cpu().numpy()


def _check(
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: np.ndarray,
    start: int,
    noise: Noise,
) -> None:
    if sigmas.ndim != 2 or sigmas.shape[0] != len(images) or not len(images):
        raise ParameterError(f"sigmas has shape {sigmas.shape}: give ({len(images)} images, S).")
    if not (np.isfinite(sigmas).all() and (sigmas > 0).all()):
        raise ParameterError("every sigma must be finite and above 0.")
    if start % classifier.block:
        raise ParameterError(f"start={start} must be a multiple of {classifier.block}.")
    for image in images:
        if image.pixels.shape != classifier.spec.input_shape:
            raise ParameterError(
                f"{image.name}: {image.pixels.shape} does not fit {classifier.spec.name}, which "
                f"takes {classifier.spec.input_shape}; load it with load_image(source, spec)."
            )
        if noise == "gaussian-grid":
            levels = image.pixels.astype(np.float64) * 255
            if np.abs(levels - levels.round()).max() > 1e-4:
                raise ParameterError(
                    f"{image.name}: the rigorous mode needs 8-bit pixels (k/255); save the image "
                    "as 8-bit, or leave rigorous off."
                )
    if noise == "gaussian-grid" and sigmas.max() > _GRID_SIGMA_MAX:
        raise ParameterError(
            f"sigma={sigmas.max():g} is out of range: the rigorous mode takes at most "
            f"{_GRID_SIGMA_MAX:g}."
        )


def _blocks(
    classifier: Classifier,
    images: Sequence[ImageInput],
    n: int,
    *,
    seed: int,
    path: tuple[str, ...],
    stage: Stage,
    start: int,
) -> Iterator[_Block]:
    size = classifier.block
    for index, image in enumerate(images):
        for offset in range(0, n, size):
            where = (*path, image.digest, classifier.weights_id, stage)
            number_seed = derive_seed(seed, *where, (start + offset) // size)
            yield _Block(index, min(size, n - offset), number_seed)


def _run_blocks(
    classifier: Classifier,
    blocks: Sequence[_Block],
    pixels: Sequence[Tensor],
    sigmas: np.ndarray,
    noise: Noise,
) -> list[np.ndarray]:
    """Counts (S, K+1) of each block, in order."""

    def run(block: _Block) -> Tensor:
        return _block_counts(classifier, block, pixels[block.image], sigmas[block.image], noise)

    threads = _threads(classifier)
    results = list(_pool(threads).map(run, blocks)) if threads > 1 else [run(b) for b in blocks]
    return list(torch.stack(results).cpu().numpy())


@torch.inference_mode()
def _block_counts(
    classifier: Classifier, block: _Block, pixels: Tensor, sigmas: np.ndarray, noise: Noise
) -> Tensor:
    on_cpu = classifier.device.type == "cpu"
    rows = classifier.block if on_cpu else block.take
    precise = noise == "gaussian-grid"
    dtype = torch.float64 if precise else torch.float32
    z = _standard_normal(classifier, rows, block.seed, dtype)
    classes = classifier.num_classes
    counts = torch.empty(len(sigmas), classes + 1, dtype=torch.int64, device=classifier.device)
    for row, sigma in enumerate(sigmas.tolist()):
        noisy = _on_grid(pixels, z, sigma) if precise else torch.add(pixels, z, alpha=sigma)
        logits = classifier(noisy)[: block.take]
        # argmax of a NaN row is a class; such rows vote INVALID instead.
        valid = logits.isfinite().all(dim=1)
        votes = torch.where(valid, logits.argmax(dim=1), classes)
        counts[row] = torch.bincount(votes, minlength=classes + 1)
    return counts


def _as_batch(classifier: Classifier, image: ImageInput) -> Tensor:
    """(1, C, H, W) in the noise's own layout, so that their sum needs no reordering."""
    pixels = torch.from_numpy(image.pixels)[None].to(classifier.device)
    return pixels.contiguous(memory_format=torch.channels_last)


def _standard_normal(classifier: Classifier, rows: int, seed: int, dtype: torch.dtype) -> Tensor:
    """Standard normals (rows, C, H, W), channels-last.

    Filled contiguously and permuted: normal_ into a channels-last tensor of 3 channels leaves
    the vectorised path, and noise is exchangeable.
    """
    channels, height, width = classifier.spec.input_shape
    generator = torch.Generator(classifier.device).manual_seed(seed)
    buffer = torch.empty(rows, height, width, channels, dtype=dtype, device=classifier.device)
    return buffer.normal_(generator=generator).permute(0, 3, 1, 2)


def _on_grid(pixels: Tensor, z: Tensor, sigma: float) -> Tensor:
    """x + round(noise) with an exact sum (Voracek & Hein, ICLR 2023); float32, in [0,1] units.

    In units of an 8-bit level x is whole and the noise a multiple of 1/1024, so their float32
    sum is exact; dividing by 255 afterwards belongs to the classifier.
    """
    levels = (pixels * 255).round()
    grid = (z * (255 * _GRID * sigma)).round().div(_GRID).float()
    return (levels + grid).div(255)


def _threads(classifier: Classifier) -> int:
    return torch.get_num_threads() if classifier.device.type == "cpu" else 1


@lru_cache(maxsize=4)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that each compute whole blocks alone: no barrier in a layer, noise on every core."""
    pool = ThreadPoolExecutor(threads, "rs-block", initializer=torch.set_num_threads, initargs=(1,))
    barrier = Barrier(threads)  # starts every thread now, while the default can be put back
    list(pool.map(lambda _: barrier.wait(), range(threads)))
    torch.set_num_threads(threads)  # the initialisers also changed the process's default
    return pool
