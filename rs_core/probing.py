"""What a network must show before it may vote: one logit per class, each row on its own."""

from collections.abc import Callable

import torch
from torch import Tensor

from rs_core.errors import ModelFileError
from rs_core.results import ModelSpec

_TOLERANCE = 0.02  # of the spread of the logits: far above rounding, far below a dependence
_REPEATS = 4


@torch.no_grad()
def check_rows(
    forward: Callable[[Tensor], Tensor], spec: ModelSpec, device: torch.device, rows: int
) -> None:
    """Refuse a network whose votes would not be independent and repeatable.

    The first half of a batch must get the same logits again and again, whatever the second half
    holds: anything else couples the copies (batch norm in training mode), or draws at random.

    Raises:
        ModelFileError: it does not accept the input shape, has another number of logits, or a
            row's logits change.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(rows, *spec.input_shape, generator=generator)
    own, other = images[: rows // 2], images[rows // 2 :]
    mates = [*[other] * _REPEATS, torch.zeros_like(other), torch.ones_like(other)]
    mates += [-other, other * 3 - 1, torch.full_like(other, 0.5)]
    first = probe(forward, _batch(own, mates[0], device), spec)
    if first.shape != (rows, len(spec.class_names)):
        raise ModelFileError(
            f"{spec.name}: the network returns {tuple(first.shape[1:])} values per image for "
            f"{len(spec.class_names)} class names; make the two agree."
        )
    expected = first[: len(own)]
    finite = expected.isfinite()
    values = first[first.isfinite()]
    spread = float(values.max() - values.min()) if values.numel() else 0.0
    for mate in mates[1:]:
        found = probe(forward, _batch(own, mate, device), spec)[: len(own)]
        same = bool((found.isfinite() == finite).all())
        moved = (found - expected)[finite].abs()
        if not same or (moved.numel() and float(moved.max()) > _TOLERANCE * spread):
            raise ModelFileError(
                f"{spec.name}: the output for an image changes with the other images of its "
                "batch, or from call to call (batch norm or dropout in training mode?); votes "
                "would not be independent. Make the network treat each image alone in eval()."
            )


def probe(forward: Callable[[Tensor], Tensor], pixels: Tensor, spec: ModelSpec) -> Tensor:
    """The logits of a trial batch.

    Raises:
        ModelFileError: the network fails on it, or returns something else.
    """
    try:
        return forward(pixels)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ModelFileError(
            f"{spec.name}: the network does not accept input {tuple(spec.input_shape)} "
            f"({reason}); correct input_shape or the network."
        ) from error


def _batch(own: Tensor, mates: Tensor, device: torch.device) -> Tensor:
    batch = torch.cat([own, mates]).to(device)
    return batch.contiguous(memory_format=torch.channels_last)
