"""The networks and images that the benchmarks run: the plain four-conv and the shipped weights."""

import numpy as np
import torch
from torch import nn

from rs_core.classifiers import Classifier
from rs_core.classifiers.devices import has_bf16, resolve_device
from rs_core.images import ImageInput, image_from_array
from rs_core.models.registry import build_network
from rs_core.models.weights import load_model
from rs_core.results import ModelSpec

SHAPES = {"1x28x28": (1, 28, 28), "3x32x32": (3, 32, 32)}


def four_conv(shape: tuple[int, int, int]) -> tuple[nn.Module, ModelSpec]:
    """An untrained conv4 of default widths 32-64-64-128 with CIFAR-like normalisation."""
    return _untrained("four-conv", "conv4", shape)


def resnet20() -> tuple[nn.Module, ModelSpec]:
    """An untrained ResNet-20 for 3x32x32 images."""
    return _untrained("resnet20", "resnet20", SHAPES["3x32x32"])


def _untrained(
    name: str, architecture: str, shape: tuple[int, int, int]
) -> tuple[nn.Module, ModelSpec]:
    torch.manual_seed(0)
    channels = shape[0]
    spec = ModelSpec(
        name=name, architecture=architecture, input_shape=shape,
        class_names=tuple(str(k) for k in range(10)),
        mean=(0.5,) * channels, std=(0.25,) * channels,
    )  # fmt: skip
    return build_network(architecture, shape, 10, {}).eval(), spec


def shipped(name: str) -> tuple[nn.Module, ModelSpec]:
    """Bundled weights."""
    return load_model(name)


def random_image(spec: ModelSpec) -> ImageInput:
    """8-bit noise of the network's size."""
    channels, height, width = spec.input_shape
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
    return image_from_array(pixels, spec, name="random")


def classifiers(module: nn.Module, spec: ModelSpec, device: str) -> dict[str, Classifier]:
    """The classifier in each precision that the hardware has."""
    names = ["fp32", "bf16"] if has_bf16(resolve_device(device)) else ["fp32"]
    return {name: Classifier(module, spec, device=device, precision=name) for name in names}
