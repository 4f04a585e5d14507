"""Layers in the order, and by the products, in which their gradient to an image costs least.

What an attack asks of a network is its gradient to the image. oneDNN computes the first
convolution's share of it as if there were sixteen channels. A product of matrices, whose columns
are then added up in their places, takes a fifth of that for one channel and half for three. And a
ReLU behind its pool has a quarter of the values to look at. Votes do not change, to the last bit.
"""

import operator
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.nn.functional import conv2d

from rs_core.classifiers.graphs import is_plain_graph, is_relu, layer_called

_FEW = 3  # with four channels the product gains nothing
_DTYPES = (torch.float32, torch.bfloat16)


class ThinConv2d(nn.Conv2d):
    """A frozen convolution of few channels; its numbers are `nn.Conv2d`'s own."""

    def forward(self, input: Tensor) -> Tensor:
        """As `nn.Conv2d`, on a CPU with the faster gradient to the input."""
        other = input.device.type != "cpu" or input.dtype not in _DTYPES or input.ndim != 4
        learns = any(parameter.requires_grad for parameter in self.parameters(recurse=False))
        if other or learns or not input.requires_grad:
            return super().forward(input)
        found = _Convolved.apply(
            input, self.weight, self.bias, self.stride, self.padding, self.dilation
        )
        return cast(Tensor, found)


class _Convolved(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
    ) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.size, ctx.how = input.shape[2:], (stride, padding, dilation)
        found: Tensor = conv2d(input, weight, bias, stride, padding, dilation)
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        stride, padding, dilation = ctx.how
        planes = gradients[0].permute(0, 2, 3, 1)
        # A view where channels lie side by side; bf16 would round the parts before they add up.
        rows, taps = planes.flatten(0, 2).float(), weight.flatten(1).float()
        parts = torch.mm(taps.t(), rows.t()).view(*weight.shape[1:], *planes.shape[:3])
        (height, width), (up, left) = ctx.size, padding
        found = _placed(parts, stride[0], dilation[0], up, height)
        found = _placed(found, stride[1], dilation[1], left, width).transpose(0, 1)
        found = found.to(gradients[0].dtype)
        return found.contiguous(memory_format=torch.channels_last), *[None] * 5


def _placed(parts: Tensor, stride: int, dilation: int, padding: int, size: int) -> Tensor:
    """Parts (C, taps, ..., B, places, ...) added up at the pixels (C, ..., B, size, ...) read.

    The taps' dimension is the second, and that of the places the fifth. The parts are used up: one
    tap of an ordinary kernel has read every pixel in its place, and the others are added to it.
    """
    shape = list(parts.shape)
    taps, places, still = shape.pop(1), parts.shape[4], padding // dilation
    shape[3] = size
    if (stride, places) == (1, size) and padding % dilation == 0 and still < taps:
        found = parts[:, still]
    else:
        found, still = parts.new_zeros(shape), taps
    for tap in range(taps):
        shift = tap * dilation - padding  # where the first place reads
        first, after = max(-(shift // stride), 0), min((size - 1 - shift) // stride + 1, places)
        if tap != still and first < after:
            read = slice(first * stride + shift, (after - 1) * stride + shift + 1, stride)
            found[:, :, :, read] += parts[:, tap, :, :, first:after]
    return found


def thin(network: nn.Module) -> nn.Module:
    """The network, which is changed: its convolutions of few channels are `ThinConv2d`."""
    for part in network.modules():
        if type(part) is not nn.Conv2d or part.in_channels > _FEW or part.groups > 1:
            continue
        if part.padding_mode == "zeros" and not isinstance(part.padding, str):
            part.__class__ = ThinConv2d
    return network


# Their answers are tensors of their own, and they leave what they read as it is.
_LAYERS = (nn.Conv2d, nn.BatchNorm2d)
_SUMS = (operator.add, operator.iadd, torch.add, torch.cat)


def pooling_first(network: nn.Module) -> nn.Module:
    """The network, which is changed where it is a traced one: pools come before their ReLU."""
    if not is_plain_graph(network):
        return network
    for pool in list(network.graph.nodes):
        relu = pool.prev
        if _is_pool(network, pool) and pool.args[0] is relu and is_relu(network, relu):
            before = relu.args[0]
            own = type(layer_called(network, before)) in _LAYERS and len(before.users) == 1
            if own and len(relu.users) == 1 and all(_reads(network, u, pool) for u in pool.users):
                _exchange(network.graph, relu, pool)
    network.recompile()
    return network


def _exchange(graph: fx.Graph, relu: fx.Node, pool: fx.Node) -> None:
    """Have the pool read what the ReLU read, and the ReLU what the pool says."""
    pool.replace_input_with(relu, cast(fx.Node, relu.args[0]))
    with graph.inserting_after(pool):
        after = graph.node_copy(relu, lambda _: pool)
    pool.replace_all_uses_with(after, delete_user_cb=lambda user: user is not after)
    graph.erase_node(relu)


def _is_pool(network: fx.GraphModule, node: fx.Node) -> bool:
    """Whether every window that the pool looks at holds a value of the image."""
    part = layer_called(network, node)
    if type(part) is not nn.MaxPool2d or not node.args:
        return False
    return part.dilation in (1, (1, 1)) and not part.ceil_mode and not part.return_indices


def _reads(network: fx.GraphModule, user: fx.Node, pool: fx.Node) -> bool:
    """Whether the pool's user leaves it as it is: a ReLU's gradient needs the ReLU's answer."""
    summed = user.op == "call_function" and user.target in _SUMS
    changed = user.target is operator.iadd and user.args[0] is pool
    return (summed and not changed) or type(layer_called(network, user)) in _LAYERS
