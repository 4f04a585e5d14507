"""Networks by name: the literal table, and torchvision's classifiers."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from torch import nn

from rs_core.errors import ParameterError, UnknownNameError
from rs_core.models.conv4 import Conv4, SigmaConv4
from rs_core.models.injected_networks import Conv4Cpni, ResNet20Cpni, ResNet20Pni
from rs_core.models.lenet import LeNet
from rs_core.models.mlp import Mlp
from rs_core.models.resnet import CifarResNet18, ResNet20, ResNet110

MODELS: dict[str, Callable[..., nn.Module]] = {
    "cifar-resnet18": CifarResNet18,
    "conv4": Conv4,
    "conv4-cpni": Conv4Cpni,
    "conv4-sigma": SigmaConv4,
    "lenet": LeNet,
    "mlp": Mlp,
    "resnet110": ResNet110,
    "resnet20": ResNet20,
    "resnet20-cpni": ResNet20Cpni,
    "resnet20-pni": ResNet20Pni,
}
_SIZED = ("conv4-cpni", "lenet", "mlp", "resnet20-cpni", "resnet20-pni")  # told the image's size
_PREFIX = "torchvision:"
# the first three follow from the shape and the classes; the others would fetch weights
_RESERVED = ("num_classes", "in_channels", "image_size", "weights", "pretrained", "progress")
_BUILD_ERRORS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError)


def build_network(
    architecture: str,
    input_shape: tuple[int, int, int],
    num_classes: int,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """A network with fresh random weights that maps normalised (B, C, H, W) to logits (B, K).

    Args:
        architecture: a name of `MODELS`, or of torchvision's classification models, plain
            ("resnet18") or as "torchvision:resnet18".
        input_shape: (C, H, W).
        num_classes: K.
        options: keyword arguments of the architecture, e.g. {"widths": [32, 64, 64, 128]}.

    Raises:
        UnknownNameError: no such architecture.
        ParameterError: options that it does not take, or channels that it cannot.
    """
    extra = dict(options or {})
    reserved = [name for name in _RESERVED if name in extra]
    if reserved:
        raise ParameterError(
            f"{', '.join(reserved)} cannot be an option of {architecture}: shape and classes come "
            "from the model's description, weights from its file; leave it out."
        )
    if architecture not in MODELS:
        return _torchvision_network(architecture, input_shape[0], num_classes, extra)
    extra["in_channels"] = input_shape[0]
    if architecture in _SIZED:
        extra["image_size"] = input_shape[1:]
    return _call(MODELS[architecture], architecture, {"num_classes": num_classes, **extra})


def check_architecture(name: str) -> None:
    """Refuse a name that is no architecture.

    Raises:
        UnknownNameError: names the nearest.
    """
    plain = name.removeprefix(_PREFIX)
    if name in MODELS or plain in (known := torchvision_names()):
        return
    ours = sorted(MODELS)
    near = get_close_matches(plain, [*ours, *known], n=1)
    raise UnknownNameError(
        "network", name, [*ours, "torchvision's classification models, such as resnet18"], near
    )


def torchvision_names() -> list[str]:
    """Names of torchvision's image classifiers, e.g. "resnet18"."""
    import torchvision

    return list(torchvision.models.list_models(module=torchvision.models))


def _torchvision_network(
    architecture: str, channels: int, num_classes: int, options: dict[str, Any]
) -> nn.Module:
    name = architecture.removeprefix(_PREFIX)
    check_architecture(architecture)
    if channels != 3:
        raise ParameterError(
            f"{name} takes 3 colour channels, not {channels}: use colour images, or choose "
            f"one of {', '.join(MODELS)}."
        )
    nested = [k for k, v in options.items() if isinstance(v, dict) or _is_nested(v)]
    if nested:  # lists of layers, which could ask for any number of them
        raise ParameterError(
            f"{', '.join(nested)} cannot be an option of {name}: options are numbers, words, on or "
            "off, and plain lists of these; leave it out."
        )
    import torchvision

    def build(**arguments: Any) -> nn.Module:
        network: nn.Module = torchvision.models.get_model(name, weights=None, **arguments)
        return network

    return _call(build, name, {"num_classes": num_classes, **options})


def _is_nested(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(
        isinstance(v, list | tuple | dict) for v in value
    )


def _call(
    build: Callable[..., nn.Module], architecture: str, arguments: dict[str, Any]
) -> nn.Module:
    try:
        return build(**arguments)
    except ParameterError:
        raise
    except (TypeError, ValueError, *_BUILD_ERRORS) as error:
        raise ParameterError(f"{architecture} cannot be built: {error}.") from None
