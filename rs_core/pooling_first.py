"""Pooling before ReLU: the same numbers and gradients, with the ReLU of a quarter of the values.

The largest of some values is positive where one of them is, and ReLU keeps their order. So both
orders agree to the last bit, and where nothing is positive neither passes a gradient on.
"""

from typing import Any, cast

from torch import fx, nn
from torch.nn import functional

_FRESH = (nn.Conv2d, nn.BatchNorm2d)  # their answers are tensors of their own


def pooling_first(network: nn.Module) -> nn.Module:
    """The network, which is changed where it is a traced one: pools come before their ReLU."""
    if not isinstance(network, fx.GraphModule):
        return network
    for pool in list(network.graph.nodes):
        if _is_pool(network, pool) and _is_relu(network, pool.args[0]):
            _exchange(network, pool.args[0], pool)
    network.recompile()
    return network


def _exchange(network: fx.GraphModule, relu: fx.Node, pool: fx.Node) -> None:
    """Have the pool read what the ReLU read, and the ReLU what the pool says."""
    before = cast(fx.Node, relu.args[0])
    if len(relu.users) > 1 or len(before.users) > 1:
        return  # somebody else looks between them, or at what a ReLU in place would overwrite
    if type(_part(network, before)) not in _FRESH:
        return  # it may hand on a tensor that others look at, too
    pool.replace_input_with(relu, before)
    with network.graph.inserting_after(pool):
        after = network.graph.node_copy(relu, lambda _: pool)
    pool.replace_all_uses_with(after, delete_user_cb=lambda user: user is not after)
    network.graph.erase_node(relu)


def _is_pool(network: fx.GraphModule, node: fx.Node) -> bool:
    """Whether every window that the pool looks at holds a value of the image."""
    part = _part(network, node)
    if type(part) is not nn.MaxPool2d or not isinstance(node.args[0], fx.Node):
        return False
    return part.dilation in (1, (1, 1)) and not part.ceil_mode and not part.return_indices


def _is_relu(network: fx.GraphModule, node: Any) -> bool:
    alone = len(node.all_input_nodes) == 1 and len(node.args) > 0
    called = node.op == "call_function" and node.target is functional.relu
    return alone and (called or type(_part(network, node)) is nn.ReLU)


def _part(network: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """The layer that the node calls, unless somebody listens to it."""
    part = network.get_submodule(str(node.target)) if node.op == "call_module" else None
    kinds = "_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks"
    return None if any(getattr(part, kind, None) for kind in kinds) else part
