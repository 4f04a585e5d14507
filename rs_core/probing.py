"""What a network must show before it may vote: one logit per class, each row on its own."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from rs_core.errors import ModelFileError
from rs_core.results import ModelSpec

_TOLERANCE = 0.02  # of the spread of the logits: far above rounding, far below a dependence
_RESIZED = 0.1  # wider: other batch sizes take other kernels, which round bf16 differently
_REPEATS = 4


@torch.no_grad()
def check_rows(
    forward: Callable[[Tensor], Tensor],
    spec: ModelSpec,
    device: torch.device,
    rows: int,
    passes: Sequence[int],
) -> None:
    """Refuse a network whose votes would not be independent and repeatable.

    The first half of a batch must get the same logits again and again, whatever the second half
    holds: anything else couples the copies (batch norm in training mode), or draws at random.

    Args:
        forward: the network, from pixels (B, C, H, W) to logits (B, K).
        spec: its input shape and classes.
        device: where it runs.
        rows: of the batches that are compared.
        passes: batch sizes that voting will use; each is tried once.

    Raises:
        ModelFileError: it does not accept the input shape or one of the batch sizes, has another
            number of logits, or a row's logits change.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(rows, *spec.input_shape, generator=generator)
    own, other = images[: rows // 2], images[rows // 2 :]
    mates = [*[other] * _REPEATS, torch.zeros_like(other), torch.ones_like(other)]
    mates += [-other, other * 3 - 1, torch.full_like(other, 0.5)]
    first = probe(forward, _batch([own, mates[0]], device), spec)
    values = first[first.isfinite()]
    spread = float(values.max() - values.min()) if values.numel() else 0.0
    for mate in mates[1:]:
        found = probe(forward, _batch([own, mate], device), spec)
        _hold_alike(first[: len(own)], found, _TOLERANCE * spread, spec)
    for count in passes:
        batch = _batch([own, *[other] * (count // len(other))], device)[:count]
        found = probe(forward, batch, spec)
        _hold_alike(first[: min(len(own), count)], found, _RESIZED * spread, spec)


@torch.no_grad()
def check_answers(
    forward: Callable[[Tensor], Tensor],
    spec: ModelSpec,
    device: torch.device,
    rows: int,
    passes: Sequence[int],
) -> None:
    """Refuse a network that does not answer with one logit per class, whatever they are.

    For networks that draw noise of their own; arguments and errors as in `check_rows`.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(rows, *spec.input_shape, generator=generator)
    for count in (1, rows, *passes):
        batch = _batch([images] * -(-count // rows), device)[:count]
        probe(forward, batch, spec)


def _hold_alike(expected: Tensor, found: Tensor, tolerance: float, spec: ModelSpec) -> None:
    """Refuse a batch whose first rows are not the expected ones."""
    rows, finite = found[: len(expected)], expected.isfinite()
    same = bool((rows.isfinite() == finite).all())
    moved = (rows - expected)[finite].abs()
    if not same or (moved.numel() and float(moved.max()) > tolerance):
        raise ModelFileError(
            f"{spec.name}: the output for an image changes with the other images of its "
            "batch, or from call to call (batch norm or dropout in training mode?); votes "
            "would not be independent. Make the network treat each image alone in eval(); one "
            "that injects noise on purpose can be studied, not certified, with random=True."
        )


def probe(forward: Callable[[Tensor], Tensor], pixels: Tensor, spec: ModelSpec) -> Tensor:
    """The logits (B, K) of a trial batch.

    Raises:
        ModelFileError: the network fails on it, or returns something else.
    """
    try:
        found = forward(pixels)
    except ModelFileError:
        raise
    except Exception as error:  # a foreign network may raise anything
        raise ModelFileError(
            f"{spec.name}: the network does not accept input {tuple(spec.input_shape)} in a batch "
            f"of {len(pixels)} ({told(error)}); correct input_shape or the network."
        ) from error
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


def told(error: BaseException) -> str:
    """The kind of a foreign error and the first line of what it says."""
    said = (str(error).splitlines() or [""])[0][:200].rstrip(" .:")
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def _batch(parts: Sequence[Tensor], device: torch.device) -> Tensor:
    batch = torch.cat([*parts]).to(device)
    return batch.contiguous(memory_format=torch.channels_last)
