"""What a network must show before it may vote: one logit per class, each row on its own.

On a CPU a row has the same bits whatever fills the rest of its batch, and in every call: so
equality is asked for, and a dependence has nothing to hide behind. Only between batch sizes, which
take other kernels, and on a GPU is there a tolerance: a share of each logit's own size, for one
that is masked with -1e4 says nothing about what the others may differ by.
"""

import pickle
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rs_core.classifiers.tracing import running, tracing
from rs_core.errors import ModelFileError
from rs_core.results import ModelSpec

Forward = Callable[[Tensor], Tensor]

_GENERATORS: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
    "Python's random": (random.getstate, random.setstate),
    "numpy.random": (np.random.get_state, np.random.set_state),
    "torch's generator": (
        lambda: torch.get_rng_state().tolist(),
        lambda state: torch.set_rng_state(torch.tensor(state, dtype=torch.uint8)),
    ),
}

_CALLS = 32  # a coin tossed in every call falls the same way in all of them once in 2**31
_FEW_CALLS = 16  # of large inputs, whose passes are dear
_KINDS = 4  # of images, one after another
_LARGE = 16_384  # values of an input
_WITNESSED = 3  # passes in a row: another thread may happen to draw during one of them
FOLDED = 1e-4  # of a logit's size: folding batch norm rounds otherwise
# Of a logit's size. Conv nets, residual ones and attention differ by 0 from 8 rows on, in fp32 and
# bf16 on 1 and 2 threads, and by at most 1.2e-5 between 1 row and 64.
_RESIZED = {"fp32": 1e-3, "bf16": 0.05}
_AGAIN = {"fp32": 1e-5, "bf16": 0.01}  # on a GPU, at the same batch size


def same_size_share(device: torch.device, precision: str) -> float:
    """By how much of its size a logit may differ between two passes of one batch size."""
    return 0.0 if device.type == "cpu" else _AGAIN[precision]


@torch.no_grad()
def check_rows(
    forward: Forward,
    spec: ModelSpec,
    device: torch.device,
    passes: Sequence[int],
    precision: str,
) -> None:
    """Refuse a network whose votes would not be independent of each other.

    The first half of a batch must keep its logits, whatever the second half holds: anything else
    couples the copies, as batch norm in training mode does.

    Args:
        forward: the network, from pixels (B, C, H, W) to logits (B, K).
        spec: its input shape and classes.
        device: where it runs.
        passes: batch sizes that voting will use, beside small ones.
        precision: "fp32" or "bf16".

    Raises:
        ModelFileError: it does not accept the input shape or one of the batch sizes, has another
            number of logits, or a row's logits change.
    """
    rows = tried_rows(spec)
    images = tried_images(spec, max(rows, *passes)).to(device)
    same, resized = same_size_share(device, precision), _RESIZED[precision]
    first = check_own(forward, images, rows, (torch.zeros_like, torch.ones_like), same, spec)
    for count in passes:
        changes = (strange,) if count == passes[0] else ()
        found = check_own(forward, images, count, changes, same, spec)
        _check_alike(first[: len(found)], found[: len(first)], resized, spec)


@torch.no_grad()
def check_answers(
    forward: Forward,
    spec: ModelSpec,
    device: torch.device,
    passes: Sequence[int],
    precision: str,
) -> None:
    """Refuse a network that does not answer with one logit per class, whatever they are.

    For networks that draw noise of their own; arguments and errors as in `check_rows`.
    """
    rows = tried_rows(spec)
    images = tried_images(spec, max(rows, *passes)).to(device)
    for count in (1, rows, *passes):
        probe(forward, images[:count], spec)


@torch.no_grad()
def check_calls(forward: Forward, spec: ModelSpec, device: torch.device) -> bool:
    """Whether the network could be asked; refuses one whose answer changes from call to call.

    It is to be asked as it came: tracing it could freeze a draw, and its copy then looks steady.
    Who draws from the process's generators is found out by that, however seldom it shows.

    Args:
        forward: the network in evaluation mode, from pixels (B, C, H, W) to logits (B, K).
        spec: its input shape and classes.
        device: where it runs.

    Raises:
        ModelFileError: says what changed.
    """
    images = tried_images(spec, tried_rows(spec)).to(device)
    calls = _FEW_CALLS if _is_large(spec) else _CALLS
    single = [image[None] for image in images[:_KINDS]]
    for batches in (single, [images]):  # some take batches of one size only
        try:
            first = [_undrawn(forward, batch, spec) for batch in batches]
        except _NotAskedError:  # said better where it is tried as it will vote
            continue
        for call in range(calls):
            found = probe(forward, batches[call % len(batches)], spec)
            _check_alike(first[call % len(first)], found, same_size_share(device, "fp32"), spec)
        return True
    return False


class _NotAskedError(Exception):
    """The network did not take a batch."""


def _undrawn(forward: Forward, batch: Tensor, spec: ModelSpec) -> Tensor:
    """The logits of a batch, if no random number was drawn for them.

    Raises:
        ModelFileError: one was, each time.
    """
    sources, found = set(_GENERATORS), Tensor()
    for _ in range(_WITNESSED):
        with _drawn() as drawn:
            try:
                found = probe(forward, batch, spec)
            except ModelFileError as error:
                raise _NotAskedError from error
        sources &= drawn
        if not sources:
            return found
    raise ModelFileError(
        f"{spec.name}: the network draws random numbers ({', '.join(sorted(sources))}) as it "
        f"answers, in evaluation mode too; {_REMEDY}"
    )


def agree(expected: Tensor, found: Tensor, share: float) -> bool:
    """Whether logits (B, K) are the same up to this share of each logit's size over the rows.

    A logit counts for no smaller than a quarter of all are: one near 0 is the difference of large
    numbers. With a share of 0 they must be equal, NaN and infinities too.
    """
    finite = expected.isfinite()
    if not share:
        return bool(((found == expected) | (found.isnan() & expected.isnan())).all())
    sizes = expected.where(finite, torch.zeros_like(expected)).abs().amax(dim=0)
    least = sizes.sort().values[(len(sizes) - 1) // 4]
    near = (found - expected).abs() <= share * sizes.maximum(least)
    return bool((found.isfinite() == finite).all() and near[finite].all())


def tried_rows(spec: ModelSpec) -> int:
    """Rows of a small trial batch."""
    return 4 if _is_large(spec) else 16


def _is_large(spec: ModelSpec) -> bool:
    return int(np.prod(spec.input_shape)) > _LARGE


def tried_images(spec: ModelSpec, rows: int) -> Tensor:
    """Images (rows, C, H, W) of many kinds, so that what hangs on brightness or noise shows."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(rows, *spec.input_shape, generator=generator)
    images[1::4] = images[1::4] / 5 + 0.8
    images[2::4] /= 5
    noisy = images[3::4]
    noisy += 0.5 * torch.randn(noisy.shape, generator=generator)
    return images.contiguous(memory_format=torch.channels_last)


def strange(images: Tensor) -> Tensor:
    """Other images than these, in and out of [0,1]."""
    images = images.flip(0)
    images[0::3] = -images[0::3]
    images[1::3] = images[1::3] * 3 - 1
    images[2::3] = 0.5
    return images


def check_own(
    forward: Forward,
    images: Tensor,
    count: int,
    changes: Sequence[Callable[[Tensor], Tensor]],
    share: float,
    spec: ModelSpec,
) -> Tensor:
    """The logits of so many images; those of the first half stay when the others are changed."""
    first = probe(forward, images[:count], spec)
    own, other = images[: count // 2], images[count // 2 : count]
    for change in changes:
        found = probe(forward, torch.cat([own, change(other)]), spec)
        _check_alike(first[: len(own)], found[: len(own)], share, spec)
    return first


_REMEDY = (
    "votes would not be independent. Make the network treat each image alone in eval(); one that "
    "injects noise on purpose can be studied, not certified, with random=True."
)


def _check_alike(expected: Tensor, found: Tensor, share: float, spec: ModelSpec) -> None:
    if not agree(expected, found, share):
        raise ModelFileError(
            f"{spec.name}: the output for an image changes with the other images of its batch, "
            f"or from call to call (batch norm or dropout in training mode?); {_REMEDY}"
        )


@contextmanager
def _drawn() -> Iterator[set[str]]:
    """Which of the process's generators were drawn from inside, known after it.

    They are put back as they were. No network of another thread runs meanwhile: one that injects
    noise would draw.
    """
    drawn = set[str]()
    with tracing():
        before = [state() for state, _ in _GENERATORS.values()]
        try:
            yield drawn
        finally:
            for (name, (state, restore)), old in zip(_GENERATORS.items(), before, strict=True):
                if pickle.dumps(state()) != pickle.dumps(old):
                    drawn.add(name)
                    restore(old)


def probe(forward: Forward, pixels: Tensor, spec: ModelSpec) -> Tensor:
    """The logits (B, K) of a trial batch.

    Raises:
        ModelFileError: the network fails on it, or returns something else.
    """
    try:
        with running():
            found = forward(pixels)
    except ModelFileError:
        raise
    except Exception as error:  # a foreign network may raise anything
        raise ModelFileError(
            f"{spec.name}: the network does not accept input {tuple(spec.input_shape)} in a batch "
            f"of {len(pixels)} ({told(error)}); correct input_shape or the network."
        ) from error
    found = as_logits(found, spec)
    if len(found) != len(pixels):
        raise ModelFileError(
            f"{spec.name}: the network returns {len(found)} rows for a batch of {len(pixels)}; "
            "make it return one row of logits per image, whatever the batch size."
        )
    if found.shape[1] != len(spec.class_names):
        raise ModelFileError(
            f"{spec.name}: the network returns {tuple(found.shape[1:])} values per image for "
            f"{len(spec.class_names)} class names; make the two agree."
        )
    return found


def as_logits(found: object, spec: ModelSpec) -> Tensor:
    """What a network returned, if it is one tensor (B, K).

    Raises:
        ModelFileError: it is not.
    """
    if not isinstance(found, Tensor) or found.ndim != 2:
        raise ModelFileError(
            f"{spec.name}: the network must return one (batch, classes) tensor of logits."
        )
    return found


def told(error: BaseException) -> str:
    """The kind of a foreign error and the first line of what it says."""
    said = (str(error).splitlines() or [""])[0][:200].rstrip(" .:")
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
