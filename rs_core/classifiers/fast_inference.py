"""For votes: a convolution, its bias and its ReLU in one kernel of oneDNN.

The values between them never reach memory: on a CPU with AMX a vote costs a tenth less. The op is
the one that `torch.compile` emits (`mkldnn::_convolution_pointwise`); it is private, so it is used
where it exists and answers a trial with the same bits (`Classifier`), and has no gradient.

Its ReLU makes NaN 0, where torch's keeps it and the row votes INVALID. So only networks are
rewritten in which no value can overflow: NaN then comes from nowhere.
"""

import math
import operator
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from rs_core.classifiers.graphs import is_plain_graph, is_relu, layer_called
from rs_core.classifiers.prepare import thread_copy
from rs_core.models.pooling import spatial_mean

_OP = "_convolution_pointwise"
_INPUT = 1e6  # of a normalised pixel under any noise that is drawn
_LIMIT = 1e30  # float32 and bfloat16 hold 3e38; a mean adds up millions of values first
_NO_LARGER = (nn.ReLU, nn.MaxPool2d, nn.AdaptiveAvgPool2d, nn.Identity, nn.Dropout, nn.Flatten)
_NO_LARGER_CALLS = (
    *("mean", "flatten", torch.flatten, spatial_mean, operator.getitem),
    *(functional.relu, functional.adaptive_avg_pool2d, functional.pad),
)


class ConvReLU2d(nn.Module):
    """A convolution and the ReLU behind it, asked at once."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, input: Tensor) -> Tensor:
        """relu(convolution(input)), without a gradient."""
        own = self.convolution
        found = getattr(torch.ops.mkldnn, _OP)(
            input, own.weight, own.bias, own.padding, own.stride, own.dilation, own.groups,
            "relu", [], "",
        )  # fmt: skip
        return cast(Tensor, found)


def fused(network: nn.Module) -> nn.Module | None:
    """A copy that shares the network's tensors and asks convolution and ReLU at once.

    None where there is no such pair, no such op, or a value might overflow.
    """
    if not hasattr(torch.ops.mkldnn, _OP) or not is_plain_graph(network):
        return None
    if not largest_value(network) < _LIMIT:
        return None
    found = cast(fx.GraphModule, thread_copy(network))
    pairs = [node for node in found.graph.nodes if is_relu(found, node) and _follows(found, node)]
    for relu in pairs:
        before = cast(fx.Node, relu.args[0])
        layer = cast(nn.Conv2d, layer_called(found, before))
        found.set_submodule(str(before.target), ConvReLU2d(layer))
        relu.replace_all_uses_with(before)
        found.graph.erase_node(relu)
    found.recompile()
    return found if pairs else None


def _follows(network: fx.GraphModule, relu: fx.Node) -> bool:
    """Whether the ReLU is all that reads a convolution of the ordinary kind, called here alone."""
    before = cast(fx.Node, relu.args[0])
    layer = layer_called(network, before)
    if type(layer) is not nn.Conv2d or layer.padding_mode != "zeros":
        return False
    calls = [node for node in network.graph.nodes if node.target == before.target]
    return not isinstance(layer.padding, str) and len(before.users) == len(calls) == 1


def largest_value(network: fx.GraphModule) -> float:
    """What no value inside the network exceeds in size, for pixels up to a million.

    A sum of products is at most the sum of the weights' sizes times the largest factor. Infinity
    where a node is not known.
    """
    sizes: dict[fx.Node, float] = {}
    for node in network.graph.nodes:
        given = [sizes[one] for one in node.all_input_nodes]
        if node.op == "placeholder":
            sizes[node] = _INPUT
        elif node.op == "call_module" and len(given) == 1:
            sizes[node] = _layer_size(layer_called(network, node), given[0])
        elif node.target in (operator.add, operator.iadd, torch.add):
            plain = len(given) == len(node.args) == 2 and not node.kwargs
            sizes[node] = sum(given) if plain else math.inf
        elif node.op == "output" or (_is_no_larger(node) and len(given) == 1):
            sizes[node] = max(given)
        else:
            sizes[node] = math.inf
    return max(sizes.values())


def _is_no_larger(node: fx.Node) -> bool:
    filled = len(node.args) > 2 or bool(node.kwargs.get("value"))
    return node.target in _NO_LARGER_CALLS and not (node.target is functional.pad and filled)


def _layer_size(layer: Any, given: float) -> float:
    if isinstance(layer, nn.Conv2d | nn.Linear):
        with torch.no_grad():
            sums = layer.weight.double().abs().flatten(1).sum(dim=1) * given
            sums = sums if layer.bias is None else sums + layer.bias.double().abs()
            return float(sums.max())
    return given if type(layer) in _NO_LARGER else math.inf
