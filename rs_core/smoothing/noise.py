"""Noise: on one grid with the pixels, where sums are exact, or as float32 draws.

Exact noise is drawn in float64 from a generator keyed with 128 bits, scaled and rounded to whole
steps of the grid; docs/arithmetic.md proves what follows of it, and bounds what is left out.
"""

import threading
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rs_core.classifiers import Classifier
from rs_core.images import ImageInput
from rs_core.pixel_grid import STEPS, in_steps
from rs_core.results import Noise
from rs_core.seeding import derive_seed
from rs_core.smoothing.options import is_exact

_WORD = 2**64 - 1
_OWN = threading.local()  # a generator for each thread: making one takes longer than keying it


def noisy_copies(
    classifier: Classifier, image: ImageInput, sigmas: Sequence[float], *, seed: int
) -> np.ndarray:
    """One noisy copy (S, C, H, W) float32 per sigma, for display; all share one noise draw."""
    seed = derive_seed(seed, "noisy-copies", image.digest)
    z = standard_normal(classifier, 1, seed, torch.float32)
    pixels = as_batch(classifier, image)
    copies = [torch.add(pixels, z, alpha=float(sigma))[0] for sigma in sigmas]
    return torch.stack(copies).cpu().numpy()


def as_batch(classifier: Classifier, image: ImageInput) -> Tensor:
    """(1, C, H, W) in the noise's own layout, so that their sum needs no reordering."""
    return _laid_out(classifier, image.pixels)


def as_steps(classifier: Classifier, image: ImageInput) -> Tensor:
    """q(x): (1, C, H, W) float32, the pixels in whole steps of the grid; laid out as `as_batch`."""
    return _laid_out(classifier, in_steps(image.pixels).astype(np.float32))


def _laid_out(classifier: Classifier, planes: np.ndarray) -> Tensor:
    batch = torch.tensor(planes)[None].to(classifier.device)
    return batch.contiguous(memory_format=torch.channels_last)


def standard_normal(classifier: Classifier, rows: int, seed: int, dtype: torch.dtype) -> Tensor:
    """Standard normals (rows, C, H, W), channels-last, from torch's own generator.

    Filled contiguously and permuted: normal_ into a channels-last tensor of 3 channels leaves
    the vectorised path, and noise is exchangeable. On a CPU 32 bits of the seed are read.
    """
    buffer, generator = _buffer(classifier, rows, dtype), _torch_generator(classifier, seed)
    return buffer.normal_(generator=generator).permute(0, 3, 1, 2)


def standard_uniform(classifier: Classifier, rows: int, seed: int, dtype: torch.dtype) -> Tensor:
    """Uniform on [-1, 1] (rows, C, H, W), channels-last, from torch's own generator."""
    buffer, generator = _buffer(classifier, rows, dtype), _torch_generator(classifier, seed)
    return buffer.uniform_(-1.0, 1.0, generator=generator).permute(0, 3, 1, 2)


def exact_normal(classifier: Classifier, rows: int, key: int) -> Tensor:
    """Standard normals (rows, C, H, W) float64, channels-last, of the stream that `key` names.

    On a CPU from SFC64 and numpy's ziggurat with its exact tail, keyed with 128 bits; the first
    rows are the same however many are drawn. On a GPU from Philox, which takes 64 of the bits.
    """
    buffer = _buffer(classifier, rows, torch.float64)
    if classifier.device.type != "cpu":
        generator = _torch_generator(classifier, key & _WORD)
        return buffer.normal_(generator=generator).permute(0, 3, 1, 2)
    keyed_generator(key).standard_normal(out=buffer.numpy())
    return buffer.permute(0, 3, 1, 2)


def exact_uniform(classifier: Classifier, rows: int, key: int) -> Tensor:
    """Uniform on [-1, 1] (rows, C, H, W) float64, channels-last; streams as in `exact_normal`."""
    buffer = _buffer(classifier, rows, torch.float64)
    if classifier.device.type != "cpu":
        buffer.uniform_(generator=_torch_generator(classifier, key & _WORD))
    else:
        keyed_generator(key).random(out=buffer.numpy())
    return buffer.mul_(2).sub_(1).permute(0, 3, 1, 2)


def keyed_generator(key: int) -> np.random.Generator:
    """This thread's generator at the start of the stream of a 128-bit key; asked anew each time."""
    generator = getattr(_OWN, "generator", None)
    if generator is None:
        generator = _OWN.generator = np.random.Generator(np.random.SFC64(0))
    bits = generator.bit_generator
    words = np.array([key >> 64, key & _WORD, 0, 1], dtype=np.uint64)
    bits.state = {
        "bit_generator": "SFC64", "state": {"state": words}, "has_uint32": 0, "uinteger": 0,
    }  # fmt: skip
    bits.random_raw(12, output=False)  # after which every bit of the state hangs on every one
    return generator


def on_grid(steps: Tensor, z: Tensor, sigma: float, *, last: bool = False) -> Tensor:
    """The copies q(x) + round(sigma z), float32 in [0,1] units (Voracek & Hein, ICLR 2023).

    Both are whole numbers of steps and their sum is exact in float32 (up to 2**24); the division
    by their number in [0,1], which rounds, belongs to the classifier.

    Args:
        steps: of `as_steps`.
        z: (rows, C, H, W) float64 of `exact_normal` or `exact_uniform`.
        sigma: standard deviation, or half the width, pixels of [0,1].
        last: z is used no more, and may be overwritten.
    """
    scale = STEPS * sigma
    whole = (z.mul_(scale) if last else z * scale).round_()
    return whole.float().add_(steps).div_(STEPS)


def unit_noise(classifier: Classifier, rows: int, key: int, noise: Noise) -> Tensor:
    """Noise of size one (rows, C, H, W), channels-last: float64 if exact, else float32."""
    if is_exact(noise):
        draw = exact_uniform if noise == "uniform-grid" else exact_normal
        return draw(classifier, rows, key)
    as_published = standard_uniform if noise == "uniform" else standard_normal
    # On a CPU torch draws other rows where it draws fewer.
    most = classifier.block if classifier.device.type == "cpu" else rows
    return as_published(classifier, most, key, torch.float32)[:rows]


def noisy_rows(
    pixels: Tensor, z: Tensor, sigmas: Sequence[float], noise: Noise, *, last: bool
) -> list[Tensor]:
    """The copies (rows, C, H, W) float32 of one image at each sigma.

    Args:
        pixels: of `as_steps` if the noise is exact, else of `as_batch`.
        z: of `unit_noise`.
        last: z is used no more, and may be overwritten.
    """
    if not is_exact(noise):
        return [torch.add(pixels, z, alpha=sigma) for sigma in sigmas]
    *others, end = sigmas
    copies = [on_grid(pixels, z, sigma) for sigma in others]
    return [*copies, on_grid(pixels, z, end, last=last)]


def row_levels(pixels: Tensor, sigmas: list[float], take: int, padding: int) -> Tensor:
    """(S * take + padding,) the noise level of each row, for a network that is told it."""
    levels = pixels.new_tensor(sigmas).repeat_interleave(take)
    return torch.cat([levels, levels.new_zeros(padding)])


def _buffer(classifier: Classifier, rows: int, dtype: torch.dtype) -> Tensor:
    channels, height, width = classifier.spec.input_shape
    return torch.empty(rows, height, width, channels, dtype=dtype, device=classifier.device)


def _torch_generator(classifier: Classifier, seed: int) -> torch.Generator:
    return torch.Generator(classifier.device).manual_seed(seed)
