"""The copy of a network that votes: evaluation mode, batch norm folded, chosen precision."""

import copy
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse

from rs_core.errors import ModelFileError
from rs_core.results import ModelSpec


def prepare(
    module: nn.Module, spec: ModelSpec, device: torch.device, dtype: torch.dtype
) -> nn.Module:
    """An eval-mode copy, folded, channels-last, without parameter gradients.

    Raises:
        ModelFileError: the module cannot be copied.
    """
    try:
        network = copy.deepcopy(module)
    except Exception as error:  # deepcopy runs foreign code: locks, open files, graph tensors
        raise ModelFileError(
            f"{spec.name}: the network cannot be copied ({error}); remove what copy.deepcopy "
            "cannot take, e.g. weight norm hooks, locks or open files."
        ) from error
    with torch.no_grad():
        network = _fold_batch_norm(network.cpu().float().eval(), spec)
        network = network.to(device=device, dtype=dtype)
        network = cast(Any, network).to(memory_format=torch.channels_last)
        return cast(nn.Module, network).eval().requires_grad_(False)


def thread_copy(network: nn.Module) -> nn.Module:
    """A copy with its own attributes but the same tensors.

    Networks that keep an activation on `self` during a forward pass must not share that
    attribute between threads.
    """
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    return copy.deepcopy(network, cast(Any, shared))


def affine(spec: ModelSpec, device: torch.device) -> tuple[Tensor | None, Tensor | None]:
    """(scale, shift) with scale*x + shift = (x - mean)/std, both None for no normalisation.

    They are laid out at full (1, C, H, W) size, channels-last: broadcasting over a last
    dimension of 3 would fall off the vectorised path.
    """
    if not spec.mean:
        return None, None
    mean = torch.tensor(spec.mean).view(1, -1, 1, 1).expand(1, *spec.input_shape)
    std = torch.tensor(spec.std).view(1, -1, 1, 1).expand(1, *spec.input_shape)
    layout = torch.channels_last
    scale = (1 / std).to(device).contiguous(memory_format=layout)
    return scale, (-mean / std).to(device).contiguous(memory_format=layout)


def _fold_batch_norm(network: nn.Module, spec: ModelSpec) -> nn.Module:
    """The network with batch norm folded into its convolutions where tracing allows it.

    Tracing can fail, or freeze a branch or a random draw; the folded copy is kept only if it
    reproduces the original on a probe.
    """
    if not any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in network.modules()):
        return network
    probe = torch.rand(2, *spec.input_shape, generator=torch.Generator().manual_seed(0))
    try:
        folded = fuse(network)
        close = torch.allclose(folded(probe), network(probe), rtol=1e-3, atol=1e-3)
    except Exception:  # torch.fx raises a wide variety of errors on code it cannot trace
        return network
    return folded if close else network
