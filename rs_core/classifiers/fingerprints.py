"""Names of networks: a digest of all that a classifier computes with."""

import hashlib
import inspect
import sys
from collections.abc import Collection
from functools import cached_property
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from rs_core.classifiers.probe import told
from rs_core.errors import ModelFileError
from rs_core.results import ModelSpec

# The shipped files as they were made: their names in certificates stay those of the weights.
_SHIPPED = {
    "585bede150d7a8b1",  # cifar10-conv4-80c0aaa8
    "0df7f10170670b5c",  # cifar10-conv4-fac8350c
    "a6b0fbba0665b3ae",  # cifar10-conv4-s025-00dccebe
    "c2c318b414af1642",  # cifar10-conv4-s025-0de394b5
    "03d1c41c143eb47b",  # mnist-conv4-5276a3b2
    "6730dd1bfd0e9d50",  # mnist-conv4-s050-36c905c1
    "bbbf9c5615d6126b",  # mnist-conv4-s050-b9f1dca6
    "77ebda23b2dc677c",  # plane-mlp-3c9155bb
}
_LIBRARIES = {*sys.stdlib_module_names, "torch", "torchvision", "numpy", "rs_core"}
_OPAQUE = (torch.dtype, torch.device, torch.layout, torch.memory_format)
_HOOKS = ("_forward_pre_hooks", "_forward_hooks")


def file_id(spec: ModelSpec) -> str:
    """16 hex digits naming a model file: its weights, and what its json has them computed with.

    The first eight are the weights' own. So are all of a shipped file whose json says of
    architecture, shape, classes and normalisation what it said when it was made.
    """
    options = sorted(spec.options.items())
    parts = spec.architecture, spec.input_shape, options, len(spec.class_names), spec.mean, spec.std
    whole = hashlib.sha256(repr((spec.sha256, parts)).encode()).hexdigest()
    return spec.sha256[:16] if whole[:16] in _SHIPPED else spec.sha256[:8] + whole[:8]


def module_id(module: nn.Module, spec: ModelSpec) -> str:
    """16 hex digits naming a wrapped module, the same in every process.

    Covered are its structure, state and normalisation, its hooks, its attributes and what these
    are made of, and the source of classes and functions that are not a library's. What else such
    source calls or reads, global variables and functions by name, is not: where only that changes,
    name the network by `weights_id`.

    Raises:
        ModelFileError: an attribute or the state cannot be read.
    """
    reader = _Reader()
    reader.take(f"{module!r}|{spec.input_shape}|{spec.mean}|{spec.std}")
    reader.network(module, spec.name)
    return reader.digest.hexdigest()[:16]


class _Reader:
    """Takes values into a digest."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self._seen: dict[int, int] = {}
        self._held: list[Any] = []  # lest another value gets the id of one that is gone

    def take(self, text: str | bytes) -> None:
        """The text, and where it ends."""
        raw = text.encode() if isinstance(text, str) else text
        self.digest.update(f"{len(raw)}|".encode() + raw)

    def network(self, module: nn.Module, owner: str) -> None:
        """Every module of it: class, state, hooks, attributes."""
        blank = vars(nn.Module())
        for name, part in module.named_modules():
            own = {key: value for key, value in vars(part).items() if key not in blank}
            if isinstance(part, fx.GraphModule):
                own["_graph"] = part.code  # the graph itself is as deep as it is long
            own |= {"its class": type(part), "its state": [part._parameters, part._buffers]}
            own |= {"its hooks": [list(getattr(part, key).values()) for key in _HOOKS]}
            if type(part).get_extra_state is not nn.Module.get_extra_state:
                own["its extra state"] = part.get_extra_state()
            self.take(name)
            for key, value in sorted(own.items()):
                self._attribute(f"{owner}: {name or type(part).__name__}", key, value)

    def _attribute(self, owner: str, key: str, value: Any) -> None:
        try:
            self.take(key)
            self.value(value)
        except ModelFileError:
            raise
        except Exception as error:  # a foreign attribute may be anything
            raise ModelFileError(
                f"{owner}: {key} ({type(value).__name__}) cannot be digested ({told(error)}), so "
                "networks that differ in it would share a name; name the weights yourself with "
                "weights_id=..."
            ) from error

    def value(self, value: Any) -> None:
        """Anything: plain values as they are, others by what they are made of."""
        self.take(_name(type(value)))
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            self.take(repr(value))
        elif isinstance(value, _OPAQUE):
            self.take(str(value))
        elif isinstance(value, ModuleType):
            self.take(value.__name__)
        elif type(value) is tuple:  # which of its equals it is depends on the interpreter
            self._items(value)
        elif id(value) in self._seen:
            self.take(f"again {self._seen[id(value)]}")
        else:
            self._seen[id(value)] = len(self._held)
            self._held.append(value)
            self._made_up(value)

    def _items(self, values: Collection[Any]) -> None:
        self.take(str(len(values)))
        for value in values:
            self.value(value)

    def _made_up(self, value: Any) -> None:
        if isinstance(value, Tensor):
            self._tensor(value)
        elif isinstance(value, np.ndarray | np.generic) and value.dtype != object:
            self.take(f"{value.dtype}|{value.shape}")
            self.take(np.ascontiguousarray(value).tobytes())
        elif type(value) is list:
            self._items(value)
        elif type(value) is dict:
            self._items([item for pair in value.items() for item in pair])
        elif isinstance(value, set | frozenset):
            self.take(b"".join(sorted(_alone(item) for item in value)))
        elif isinstance(value, nn.Module):
            self.network(value, type(value).__name__)
        elif isinstance(value, type):
            self._class(value)
        else:
            self._code_or_object(value)

    def _tensor(self, tensor: Tensor) -> None:
        self.take(f"{tensor.dtype}|{tuple(tensor.shape)}")
        flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        self.take(flat.numpy().tobytes())

    def _class(self, kind: type) -> None:
        self.take(_name(kind))
        if _is_foreign(kind):
            own = {
                key: value
                for key, value in vars(kind).items()
                if isinstance(value, FunctionType) or not key.startswith(("__", "_abc_"))
            }
            self._items([kind.__bases__, own])

    def _code_or_object(self, value: Any) -> None:
        if isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(value, CodeType):
            self._items([value.co_code, value.co_consts, value.co_names])
        elif isinstance(value, MethodType | staticmethod | classmethod):
            self._items([value.__func__, getattr(value, "__self__", None)])
        elif isinstance(value, property | cached_property):
            self.value(value.fget if isinstance(value, property) else value.func)
        elif isinstance(value, BuiltinFunctionType):
            self._items([value.__qualname__, value.__self__])
        else:
            made = value.__reduce_ex__(4)
            parts = (made,) if isinstance(made, str) else made
            # The fourth and fifth are iterators over items.
            self._items([list(p) if i > 2 and p is not None else p for i, p in enumerate(parts)])

    def _function(self, function: FunctionType) -> None:
        self.take(_name(function))
        if _is_foreign(function):
            self.value(_source(function))
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        self._items([function.__defaults__, function.__kwdefaults__, cells])


def _alone(value: Any) -> bytes:
    """The digest of an item whose place among others says nothing."""
    reader = _Reader()
    reader.value(value)
    return reader.digest.digest()


def _is_foreign(thing: type | FunctionType) -> bool:
    return (thing.__module__ or "").partition(".")[0] not in _LIBRARIES


def _name(thing: type | FunctionType) -> str:
    """A foreign one may be run as a script or imported, so its module says nothing."""
    return thing.__qualname__ if _is_foreign(thing) else f"{thing.__module__}.{thing.__qualname__}"


def _source(function: FunctionType) -> str | CodeType:
    """Its text; its code where there is none, or where others may stand in the same lines."""
    if function.__name__ != "<lambda>":
        try:
            return inspect.getsource(function.__code__)
        except (OSError, TypeError, SyntaxError):
            pass  # typed in, or made by exec
    return function.__code__
