"""The one hot loop: noisy copies of images in, votes out.

Noise comes in numbered blocks. Block i of a stream has its own generator, keyed by a hash of (seed,
caller, image digest, weights id, stage, part, i) and never of sigma, so a sweep shares its
blocks between all its sigmas. On a CPU a block is computed by one thread, in forward passes of
one or two blocks' rows (padded; more sigmas of a short block share a pass), so counts depend
neither on the batch size, nor on how many sigmas are swept together, nor on the number of
threads, nor on where a stream was cut and resumed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Finished, Step, Stream
from rs_core.images import ImageInput
from rs_core.results import Noise, Stage, Votes
from rs_core.seeding import block_seeds, derive_key, derive_seed
from rs_core.smoothing.draw_checks import check_draws, check_independent
from rs_core.smoothing.injected import asked_by_chance
from rs_core.smoothing.noise import as_batch, as_steps, noisy_rows, row_levels, unit_noise
from rs_core.smoothing.options import is_exact
from rs_core.smoothing.threads import voting_threads
from rs_core.smoothing.witness import Witness

BATCH_SIZE = 1024
_STAGES = get_args(Stage)
_CLAIMING = ("certify", "predict")  # the others choose, and a choice needs no proof
_PARTS = 4  # of a stage; more would reach into the next one's blocks


@dataclass(frozen=True, eq=False)
class VotesStep(Step):
    """Votes so far: `counts` (B, S, K+1) int64 after `n_done` (B,) copies per image and sigma."""

    counts: np.ndarray
    n_done: np.ndarray


@dataclass(frozen=True, eq=False)
class Block:
    """Copies of one image that are drawn by one generator."""

    image: int
    take: int  # rows that count; the rest of a CPU block is padding
    key: int  # 128 bits; for float32 draws 32, which is all that torch's CPU generator reads
    own: int  # 32 bits, for what the network draws of itself


def draw_votes(
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: np.ndarray,
    n: int,
    *,
    seed: int,
    caller: str,
    stage: Stage,
    part: int = 0,
    start: int = 0,
    noise: Noise = "gaussian-grid",
    soft: bool = False,
    batch_size: int = BATCH_SIZE,
    witness: Witness | None = None,
) -> Stream[Votes]:
    """Votes of n noisy copies of each image at each of its sigmas.

    Args:
        classifier: the prepared network f.
        images: B images of the network's input shape.
        sigmas: (B, S) noise levels, pixels of [0,1]: standard deviations of Gaussian noise, half
            the width of uniform noise.
        n: copies per image and sigma.
        seed, caller, stage, part: name the stream of noise. Under one seed and caller, different
            stages and parts (0 to 3) never share a block; draws that choose must differ from
            draws that certify in one of the two.
        start: copies of this stream already drawn; a multiple of `classifier.block`.
        noise: "gaussian-grid" or "uniform-grid": pixels and float64 draws are rounded to 1/1024 of
            an 8-bit level, and their sums are exact; "gaussian" or "uniform": float32 draws, taken
            as exactly so, as published. Uniform noise lies in [-sigma, sigma] in each value.
        soft: also sum the softmax scores of the copies.
        batch_size: forward passes between two steps.
        witness: of several draws that make one claim; who gives one calls `witness.hold()` at
            their end. By default each draw of stage "certify" or "predict" holds its own.

    Yields:
        `VotesStep` about every `batch_size` forward passes, then `Finished(Votes)`.

    Raises:
        ParameterError: shapes disagree, the part is none of the four, the network draws noise of
            its own that is not each copy's own, or a sigma is too large for exact sums.
        ModelFileError: the network changed while it was asked.

    Reference: Cohen et al. (2019), SampleUnderNoise; exact sums: Voracek & Hein (2023).
    """
    sigmas = np.asarray(sigmas, dtype=np.float64)
    check_independent(classifier)
    if not (sigmas > 0).all():
        raise ParameterError("every sigma must be finite and above 0.")
    counts = np.zeros((*sigmas.shape, classifier.num_classes + 1), dtype=np.int64)
    scores = np.zeros((*sigmas.shape, classifier.num_classes)) if soft else None
    n_done = np.zeros(len(images), dtype=np.int64)
    total = int(sigmas.size) * n
    groups = block_answers(
        classifier, images, sigmas, n, partial(_tally, soft=soft),
        seed=seed, caller=caller, stage=stage, part=part, start=start, noise=noise,
        batch_size=batch_size, witness=witness,
    )  # fmt: skip
    for group in groups:
        for block, tally in group:
            counts[block.image] += tally[:, : counts.shape[-1]].astype(np.int64)
            if scores is not None:
                scores[block.image] += tally[:, counts.shape[-1] :]
            n_done[block.image] += block.take
        done = int(n_done.sum()) * sigmas.shape[1]
        yield VotesStep(done=done, total=total, counts=counts.copy(), n_done=n_done.copy())
    yield Finished(Votes(counts=counts, sigmas=sigmas, n=n, stage=stage, soft=scores, noise=noise))


def block_answers(
    classifier: Classifier,
    images: Sequence[ImageInput],
    sigmas: np.ndarray,
    n: int,
    answer: Callable[[Tensor], Tensor],
    *,
    seed: int,
    caller: str,
    stage: Stage,
    part: int = 0,
    start: int = 0,
    noise: Noise = "gaussian-grid",
    batch_size: int = BATCH_SIZE,
    witness: Witness | None = None,
) -> Iterator[list[tuple[Block, np.ndarray]]]:
    """The loop itself: what `answer` makes of each block's logits (S, take, K).

    Yields a list about every `batch_size` forward passes, blocks in order. Arguments and errors
    are those of `draw_votes`, except that a sigma may be 0 and the network may be random.

    Before the last list a pass is asked for again (`Witness`), unless the stage only chooses.
    """
    check_draws(classifier, images, sigmas, start, noise)
    slot = _slot(stage, part)
    blocks = _blocks(
        classifier, images, n, seed=seed, caller=caller, slot=slot, start=start, noise=noise
    )
    laid_out = as_steps if is_exact(noise) else as_batch
    pixels = [laid_out(classifier, image) for image in images]
    own = None
    if stage in _CLAIMING and not classifier.random:
        own = witness or Witness(classifier)
    pool = voting_threads(classifier)
    threads = torch.get_num_threads() if pool else 1
    # A GPU that is waited for after every block idles between two.
    fewest = 1 if classifier.device.type == "cpu" else 4
    per_thread = max(batch_size // (classifier.block * sigmas.shape[1] * threads), fewest)
    group = list(islice(blocks, per_thread * threads))
    while group:
        answers = _run_blocks(classifier, group, pixels, sigmas, noise, answer, own)
        done, group = group, list(islice(blocks, per_thread * threads))
        if own is not None and witness is None and not group:
            own.hold()
        yield list(zip(done, answers, strict=True))


def _slot(stage: Stage, part: int) -> int:
    if not 0 <= part < _PARTS:
        raise ParameterError(f"part={part} is out of range: a stage has parts 0 to {_PARTS - 1}.")
    return _STAGES.index(stage) * _PARTS + part


def _blocks(
    classifier: Classifier,
    images: Sequence[ImageInput],
    n: int,
    *,
    seed: int,
    caller: str,
    slot: int,
    start: int,
    noise: Noise,
) -> Iterator[Block]:
    size = classifier.block
    for index, image in enumerate(images):
        path = caller, image.digest, classifier.weights_id
        offsets, first = range(0, n, size), start // size
        numbers = range(first, first + len(offsets))
        keys: Iterator[int] = (derive_key(seed, *path, slot, number) for number in numbers)
        if not is_exact(noise):
            keys = block_seeds(derive_seed(seed, *path), slot, first, len(offsets))
        owns = block_seeds(derive_seed(seed, *path, "injected"), slot, first, len(offsets))
        for offset, key, own in zip(offsets, keys, owns, strict=True):
            yield Block(index, min(size, n - offset), key, own)


def _run_blocks(
    classifier: Classifier,
    blocks: Sequence[Block],
    pixels: Sequence[Tensor],
    sigmas: np.ndarray,
    noise: Noise,
    answer: Callable[[Tensor], Tensor],
    witness: Witness | None,
) -> list[np.ndarray]:
    """The answer to each block's logits, in order."""

    def run(block: Block) -> Tensor:
        own = pixels[block.image], sigmas[block.image]
        return answer(_block_logits(classifier, block, *own, noise, witness))

    pool = voting_threads(classifier)
    results = list(pool.map(run, blocks) if pool else map(run, blocks))
    if len({result.shape for result in results}) == 1:  # one wait for the device
        return list(torch.stack(results).cpu().numpy())
    return [result.cpu().numpy() for result in results]


@torch.inference_mode()
def _block_logits(
    classifier: Classifier,
    block: Block,
    pixels: Tensor,
    sigmas: np.ndarray,
    noise: Noise,
    witness: Witness | None,
) -> Tensor:
    on_cpu = classifier.device.type == "cpu"
    z = unit_noise(classifier, block.take, block.key, noise)
    # As many sigmas as fit into two blocks' rows share a forward pass.
    together = 1 if classifier.random else 2 * classifier.block // block.take
    ask = asked_by_chance(classifier, block.own) if classifier.random else classifier
    rounds = []
    for first in range(0, len(sigmas), together):
        group = sigmas[first : first + together].tolist()
        last = first + together >= len(sigmas)
        noisy = noisy_rows(pixels, z, group, noise, last=last)
        rows = len(group) * block.take
        padding = -rows % classifier.block if on_cpu and not classifier.random else 0
        told = row_levels(pixels, group, block.take, padding) if classifier.takes_sigma else None
        stacked = _stacked(noisy, padding)
        logits = ask(stacked, told)
        if witness is not None:
            witness.saw(stacked, told, logits)
        rounds.append(logits[:rows].view(len(group), block.take, -1))
    return torch.cat(rounds)  # (S, take, K)


@torch.inference_mode()
def _tally(logits: Tensor, soft: bool) -> Tensor:
    """Counts (S, K+1) of logits (S, take, K); with softmax sums (S, 2K+1) float64, side by side."""
    classes = logits.shape[-1]
    # argmax of a NaN row is a class; such rows vote INVALID instead.
    valid = logits.isfinite().all(dim=-1)
    votes = torch.where(valid, logits.argmax(dim=-1), classes)
    # Not bincount, which waits for the device.
    counts = (votes[..., None] == torch.arange(classes + 1, device=votes.device)).sum(dim=1)
    if not soft:
        return counts
    scores = torch.where(valid[..., None], logits.softmax(dim=-1), 0.0)
    return torch.cat([counts.double(), scores.sum(dim=1, dtype=torch.float64)], dim=1)


def _stacked(noisy: list[Tensor], padding: int) -> Tensor:
    if padding:
        noisy = [*noisy, noisy[0].new_zeros(padding, *noisy[0].shape[1:])]
    return noisy[0] if len(noisy) == 1 else torch.cat(noisy)
