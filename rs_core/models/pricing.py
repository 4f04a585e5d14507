"""What one forward pass of a network takes, counted before any is made."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from rs_core.errors import ModelFileError
from rs_core.models.injected_noise import fixed_chance, injects_noise
from rs_core.models.registry import MODELS
from rs_core.results import ModelSpec

_SMALL_IMAGE = 16_384  # values; a block has 64 copies of such ones, and 4 of larger ones


@dataclass(frozen=True)
class Price:
    """Multiply-adds and bytes: what a pass takes, or what it may take."""

    multiply_adds: float
    memory: float


# Twice vit_b_16 at 224x224 and more: the largest that the file's 500 MB leave room for.
LIMIT = Price(multiply_adds=500e9, memory=1e9)
# Where others wait meanwhile: resnet50 at 224x224, cifar-resnet18 at 32x32 and more.
SHARED_LIMIT = Price(multiply_adds=100e9, memory=0.25e9)


def pass_rows(spec: ModelSpec) -> int:
    """Images of the largest pass on a CPU: two blocks of noisy copies."""
    return 2 * (64 if math.prod(spec.input_shape) <= _SMALL_IMAGE else 4)


def pass_price(network: nn.Module, spec: ModelSpec, rows: int) -> Price:
    """What a pass of `rows` images takes; nothing is computed, and no memory taken.

    The memory is what the operation with the largest tensors reads and writes, weights aside.

    Args:
        network: laid out on the meta device, in eval mode.
        spec: its input shape.

    Raises:
        ModelFileError: the network does not accept the input shape.
    """
    operations = FlopCounterMode(display=False)
    tensors = _LargestTensors([*network.parameters(), *network.buffers()])
    with operations, tensors:
        _answers(network, spec, torch.empty(rows, *spec.input_shape, device="meta"))
    return Price(operations.get_total_flops() / 2, tensors.largest)


def price_bound(network: nn.Module, spec: ModelSpec, rows: int) -> Price:
    """No less than `pass_price` for most networks of `MODELS`, from their weights' shapes alone.

    None of their layers makes an image larger, so a weight meets each pixel at most once; an
    operation reads two tensors at most, and writes one. With noise of their own they are no such
    networks: every row has kernels of its own.
    """
    pixels = rows * math.prod(spec.input_shape[1:])
    weights = [weight for weight in network.parameters() if weight.ndim > 1]
    channels = max(weight.shape[0] + weight.shape[1] for weight in weights)
    return Price(pixels * sum(weight.numel() for weight in weights), 2 * channels * pixels * 4)


def check_price(network: nn.Module, spec: ModelSpec, limit: Price = LIMIT) -> None:
    """Refuse a network whose passes would take too long, or more memory than there may be.

    Args:
        network, spec: as for `pass_price`.
        limit: of one pass of `pass_rows(spec)` images.

    Raises:
        ModelFileError: says what a pass takes, and the limit; or as `pass_price` says.
    """
    rows = pass_rows(spec)
    # Shapes without numbers take torch a second of imports: most networks need no such look.
    bounded = spec.architecture in MODELS and not injects_noise(network)
    if bounded and not _problems(price_bound(network, spec, rows), limit):
        return
    problems = _problems(pass_price(network, spec, rows), limit)
    if problems:
        shape = "x".join(map(str, spec.input_shape))
        raise ModelFileError(
            f"{spec.name}: {spec.architecture} on {rows} images of {shape} takes "
            f"{' and '.join(problems)}: give a smaller input_shape or network."
        )


def check_finite_answers(network: nn.Module, spec: ModelSpec) -> None:
    """Refuse a network that answers ordinary images with NaN or infinity.

    Finite weights can do so: their products overflow, or std is tiny.

    Args:
        network: filled, on the CPU, in eval mode; its price was held.
        spec: its input shape, mean and std.

    Raises:
        ModelFileError: it does, or does not accept the input shape.
    """
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, *spec.input_shape, generator=generator)
    if spec.mean:
        mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (spec.mean, spec.std))
        image = (image - mean) / std
    # Loading draws nothing from the process's generators.
    with fixed_chance(0, image.device) if injects_noise(network) else nullcontext():
        answers = _answers(network, spec, image)
    if not bool(answers.isfinite().all()):
        raise ModelFileError(
            f"{spec.name}: the network answers an ordinary image with NaN or infinity: its weights "
            "are too large, or std is too small; scale them."
        )


@torch.no_grad()
def _answers(network: nn.Module, spec: ModelSpec, inputs: Tensor) -> Tensor:
    told = (inputs.new_zeros(len(inputs)),) if getattr(network, "takes_sigma", False) else ()
    try:
        logits: Tensor = network(inputs, *told)
    except (RuntimeError, ValueError, ArithmeticError, AssertionError) as error:
        said = (str(error).splitlines() or [""])[0][:200].rstrip(" .:")
        raise ModelFileError(
            f"{spec.name}: {spec.architecture} does not accept input {tuple(spec.input_shape)} "
            f"({said}); correct input_shape, or the architecture's options."
        ) from None
    return logits


def _problems(price: Price, limit: Price) -> list[str]:
    """What is above its limit, in words."""
    found = []
    if price.multiply_adds > limit.multiply_adds:
        work, most = (x.multiply_adds / 1e9 for x in (price, limit))
        found.append(f"{work:,.0f} billion multiply-adds (the limit is {most:,.0f})")
    if price.memory > limit.memory:
        size, most = (x.memory / 1e6 for x in (price, limit))
        found.append(f"{size:,.0f} MB for one layer (the limit is {most:,.0f})")
    return found


class _LargestTensors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Bytes of all tensors of the operation that has the most.

    Args:
        left_out: tensors that do not count, nor what shares their memory.
    """

    def __init__(self, left_out: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._left_out = {_storage(tensor) for tensor in left_out}
        self.largest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        leaves = tree_leaves((args, kwargs, found))
        tensors = {id(leaf): leaf for leaf in leaves if isinstance(leaf, Tensor)}.values()
        sizes = [t.numel() * t.element_size() for t in tensors if _storage(t) not in self._left_out]
        self.largest = max(self.largest, sum(sizes))
        return found


def _storage(tensor: Tensor) -> int:
    # On the meta device data_ptr() is 0 for all.
    return int(tensor.untyped_storage()._cdata)
