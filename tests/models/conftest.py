"""A small network, saved as a model file."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from rs_core.models import build_network, save_model
from rs_core.results import ModelSpec

SPEC = ModelSpec(
    name="tiny",
    architecture="conv4",
    input_shape=(1, 8, 8),
    class_names=("a", "b", "c"),
    options={"widths": [2, 3, 4, 5]},
    mean=(0.5,),
    std=(0.25,),
    train_sigma=(0.0, 1.0),
    provenance={"seed": 0},
)


@pytest.fixture
def spec() -> ModelSpec:
    return dataclasses.replace(SPEC, options=dict(SPEC.options))


@pytest.fixture
def network(spec: ModelSpec) -> nn.Module:
    """Random weights and batch-norm statistics, in eval mode."""
    made = build_network(spec.architecture, spec.input_shape, 3, spec.options)
    generator = torch.Generator().manual_seed(0)
    for tensor in made.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    return made.eval()


@pytest.fixture
def saved(network: nn.Module, spec: ModelSpec, tmp_path: Path) -> Path:
    """Path of the safetensors file; its json lies beside it."""
    return tmp_path / save_model(network, spec, tmp_path).weights
