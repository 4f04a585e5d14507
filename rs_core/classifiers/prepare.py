"""The copy of a network that votes: evaluation mode, batch norm folded, chosen precision."""

import copy
import threading
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse

from rs_core.classifiers.probe import FOLDED, agree, check_calls, told, tried_images
from rs_core.classifiers.tracing import running, tracing
from rs_core.errors import ModelFileError
from rs_core.fields import shown
from rs_core.results import ModelSpec

TRIED_SIGMA = 0.25  # at which a network that takes sigma is tried out
_FOLDED_ROWS = 4  # on which folding is tried


def check_module(module: nn.Module, spec: ModelSpec) -> None:
    """Refuse what cannot be prepared, or could not be told apart from another network.

    TorchScript hides the code that it runs, so two programs with equal weights would share one
    `weights_id`; layers that quantise as they run scale a row by the rest of its batch.

    Raises:
        ModelFileError: says which kind of network to give instead.
    """
    if not isinstance(module, nn.Module):
        raise ModelFileError(f"{spec.name}: {shown(module)} is no network: give a torch.nn.Module.")
    for part in module.modules():
        kind = type(part).__name__
        if isinstance(part, torch.jit.ScriptModule):
            raise ModelFileError(
                f"{spec.name}: TorchScript ({kind}) is not supported: give the torch.nn.Module "
                "that it was made from."
            )
        if ".quantized" in type(part).__module__ and type(part).__module__.startswith("torch."):
            raise ModelFileError(
                f"{spec.name}: quantised layers ({kind}) are not supported: give the network with "
                "floating-point weights."
            )
        if any(nn.parameter.is_lazy(p) for p in part.parameters(recurse=False)):
            raise ModelFileError(
                f"{spec.name}: {kind} has no weights yet: run the network once, then wrap it."
            )


def prepare(
    module: nn.Module,
    spec: ModelSpec,
    device: torch.device,
    dtype: torch.dtype,
    *,
    random: bool = False,
) -> nn.Module:
    """An eval-mode copy, folded, channels-last, without parameter gradients.

    The copy is asked again and again before anything else is done to it: tracing it could freeze
    a draw.

    Args:
        random: the network draws noise of its own: it is neither asked nor folded, and may keep
            dropout in training mode.

    Raises:
        ModelFileError: the module cannot be copied, or moved to the device, stays in training
            mode, answers differently from call to call, or its copy would compute something else.
    """
    try:
        network = copy.deepcopy(module)
    except Exception as error:  # deepcopy runs foreign code: locks, open files, graph tensors
        raise ModelFileError(
            f"{spec.name}: the network cannot be copied ({told(error)}); remove what copy.deepcopy "
            "cannot take, e.g. weight norm hooks, locks or open files."
        ) from error
    _check_copy(module, network, spec)
    try:
        with torch.no_grad():
            network = network.float().to(device).eval()
            asked = not random and _asked_as_it_came(network, spec, device)
            network = network.cpu()
            network = _fold_batch_norm(network, spec) if asked else network
            network = network.to(device=device, dtype=dtype)
            network = cast(Any, network).to(memory_format=torch.channels_last)
            network = cast(nn.Module, network).eval().requires_grad_(False)
            if not asked and not random:  # some run in their own precision only
                _asked_as_it_came(network, spec, device, dtype)
            return network
    except ModelFileError:
        raise
    except Exception as error:  # foreign modules may override any of these
        raise ModelFileError(
            f"{spec.name}: the network cannot be prepared on {device} ({told(error)}); give one "
            "whose weights can be moved and cast."
        ) from error


def _asked_as_it_came(
    network: nn.Module, spec: ModelSpec, device: torch.device, dtype: torch.dtype = torch.float32
) -> bool:
    """Whether the network could be asked in that precision; refuses one that is no function.

    Raises:
        ModelFileError: it stays in training mode, or answers differently from call to call.
    """
    stuck = [type(part).__name__ for part in network.modules() if part.training]
    if stuck:
        raise ModelFileError(
            f"{spec.name}: {stuck[0]} stays in training mode after eval(), so what would be "
            "certified is not what it computes: let its train(mode) call super().train(mode); one "
            "that drops out on purpose can be studied, not certified, with random=True."
        )
    scale, shift = affine(spec, device)

    def forward(pixels: Tensor) -> Tensor:
        if scale is not None and shift is not None:
            pixels = torch.addcmul(shift, pixels, scale)
        return cast(Tensor, network(*_inputs(network, pixels.to(dtype).contiguous())))

    return check_calls(forward, spec, device)


def _inputs(network: nn.Module, pixels: Tensor) -> tuple[Tensor, ...]:
    """What the network is called with: the noise levels too, if it is told them."""
    if not getattr(network, "takes_sigma", False):
        return (pixels,)
    return pixels, torch.full((len(pixels),), TRIED_SIGMA, device=pixels.device)


def _check_copy(module: nn.Module, network: nn.Module, spec: ModelSpec) -> None:
    """Refuse a copy that has lost what changes answers: torch.fx copies a graph without its hooks.

    Raises:
        ModelFileError: says how to keep them.
    """
    originals = dict(module.named_modules())
    for name, part in network.named_modules():
        if name in originals and _own_ways(part) != _own_ways(originals[name]):
            raise ModelFileError(
                f"{spec.name}: copying {type(part).__name__} loses its hooks, or a forward of its "
                "own: put them into a torch.nn.Module around it."
            )


def _own_ways(part: nn.Module) -> tuple[bool, int]:
    """Whether a layer has a forward of its own, and its hooks; torch's own only check inputs."""
    hooks = [*part._forward_pre_hooks.values(), *part._forward_hooks.values()]
    foreign = [h for h in hooks if not (getattr(h, "__module__", None) or "").startswith("torch.")]
    return "forward" in vars(part), len(foreign)


@dataclass(frozen=True, eq=False)
class ThreadCopy:
    """A network's copy that belongs to one thread; who else asks it holds the lock, too.

    Fields:
        network: answers with a gradient.
        votes: answers faster with the same bits, in inference mode only; None for none.
    """

    network: nn.Module
    votes: nn.Module | None = None
    lock: "threading.RLock" = field(default_factory=threading.RLock)


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
    inputs = _inputs(network, tried_images(spec, _FOLDED_ROWS).contiguous())
    try:
        with tracing():
            folded = fuse(network)
        with running():
            same = agree(network(*inputs), folded(*inputs), FOLDED)
    except Exception:  # torch.fx raises a wide variety of errors on code it cannot trace
        return network
    return folded if same else network
