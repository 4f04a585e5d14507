"""Pooling before ReLU: the same numbers and gradients, with the ReLU of a quarter of the values.

The largest of some values is positive where one of them is, and ReLU keeps their order. So both
orders agree (a zero may change its sign), and where nothing is positive neither passes a gradient
on. Exchanged is only what nobody else can look at, change or listen to.
"""

import operator
from typing import Any, cast

import torch
from torch import fx, nn
from torch.nn import functional
from torch.nn.modules import module as global_hooks

# Their answers are tensors of their own, and they leave what they read as it is.
_LAYERS = (nn.Conv2d, nn.BatchNorm2d)
_SUMS = (operator.add, operator.iadd, torch.add, torch.cat)
_HOOKS = "_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks"


def pooling_first(network: nn.Module) -> nn.Module:
    """The network, which is changed where it is a traced one: pools come before their ReLU."""
    if not isinstance(network, fx.GraphModule):
        return network
    if any(getattr(global_hooks, f"_global{kind}", None) for kind in _HOOKS):
        return network
    for pool in list(network.graph.nodes):
        relu = pool.prev
        if _is_pool(network, pool) and pool.args[0] is relu and _is_relu(network, relu):
            before = relu.args[0]
            own = type(_part(network, before)) in _LAYERS and len(before.users) == 1
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
    part = _part(network, node)
    if type(part) is not nn.MaxPool2d or not node.args:
        return False
    return part.dilation in (1, (1, 1)) and not part.ceil_mode and not part.return_indices


def _is_relu(network: fx.GraphModule, node: fx.Node) -> bool:
    called = node.op == "call_function" and node.target is functional.relu
    named = bool(node.args) and isinstance(node.args[0], fx.Node)
    return named and (called or type(_part(network, node)) is nn.ReLU)


def _reads(network: fx.GraphModule, user: fx.Node, pool: fx.Node) -> bool:
    """Whether the pool's user leaves it as it is: a ReLU's gradient needs the ReLU's answer."""
    summed = user.op == "call_function" and user.target in _SUMS
    changed = user.target is operator.iadd and user.args[0] is pool
    return (summed and not changed) or type(_part(network, user)) in _LAYERS


def _part(network: fx.GraphModule, node: Any) -> nn.Module | None:
    """The layer that the node calls, unless it is not itself, or somebody listens to it."""
    if node.op != "call_module":
        return None
    part = network.get_submodule(str(node.target))
    changed = "forward" in vars(part) or any(getattr(part, kind, None) for kind in _HOOKS)
    return None if changed else part
