"""What a traced network's nodes call, where nobody listens in: rewriting a graph begins here."""

from typing import Any, TypeGuard

from torch import fx, nn
from torch.nn import functional
from torch.nn.modules import module as global_hooks

_HOOKS = "_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks"


def is_plain_graph(network: nn.Module) -> TypeGuard[fx.GraphModule]:
    """Whether it is a traced network, and no hook listens to all modules there are."""
    heard = any(getattr(global_hooks, f"_global{kind}", None) for kind in _HOOKS)
    return isinstance(network, fx.GraphModule) and not heard


def layer_called(network: fx.GraphModule, node: Any) -> nn.Module | None:
    """The layer that the node calls, unless it is not itself, or somebody listens to it."""
    if node.op != "call_module":
        return None
    part = network.get_submodule(str(node.target))
    changed = "forward" in vars(part) or any(getattr(part, kind, None) for kind in _HOOKS)
    return None if changed else part


def is_relu(network: fx.GraphModule, node: fx.Node) -> bool:
    """Whether the node is a ReLU of one other node, as a layer or as a function."""
    called = node.op == "call_function" and node.target is functional.relu
    named = bool(node.args) and isinstance(node.args[0], fx.Node)
    return named and (called or type(layer_called(network, node)) is nn.ReLU)
