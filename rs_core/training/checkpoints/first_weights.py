"""Weights that a training begins with in place of random ones."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rs_core.errors import ParameterError
from rs_core.models import load_model
from rs_core.models.weights import model_files
from rs_core.results import ModelSpec
from rs_core.training.checkpoints.sigma_file import read_sigmas, sigma_file

_PREFIX = "torchvision:"


@dataclass(frozen=True, eq=False)
class FirstWeights:
    """A trained network that another training goes on from.

    Fields:
        spec: what the network is.
        tensors: its weights and statistics by name, on the CPU.
        sigmas: file of the sigmas that its training gave its images, None where it gave none.
    """

    spec: ModelSpec
    tensors: Mapping[str, Tensor]
    sigmas: Path | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """Which weights they are, for the provenance of what is trained."""
        return {"weights": self.spec.weights, "sha256": self.spec.sha256}

    def stored_sigmas(self, data_sha256: str) -> Tensor | None:
        """The sigmas (N,) that their training gave the images of this digest, if it gave any.

        Raises:
            ModelFileError, ParameterError: the file is damaged, or of other images.
        """
        if self.sigmas is None:
            return None
        return torch.from_numpy(read_sigmas(self.sigmas, data_sha256))

    def give(self, network: nn.Module) -> None:
        """Fill a network with them.

        Raises:
            ParameterError: its layers are of other sizes; names one.
        """
        for name, tensor in network.state_dict().items():
            mine = self.tensors.get(name)
            if mine is None or mine.shape != tensor.shape:
                has = "lacks" if mine is None else f"has {tuple(mine.shape)} for"
                raise ParameterError(
                    f"{self.spec.weights} {has} {name}, the network to train needs "
                    f"{tuple(tensor.shape)}: give its widths and options, or other first weights."
                )
        network.load_state_dict(dict(self.tensors))


def first_weights(model: str | Path) -> FirstWeights:
    """The weights of a shipped name or a model file.

    Raises:
        WeightsNotFoundError, ModelFileError: no such model, or one that is damaged or unfit.
    """
    network, spec = load_model(model)
    beside = sigma_file(model_files(model)[0])
    return FirstWeights(spec, network.state_dict(), beside if beside.exists() else None)


def continued_spec(spec: ModelSpec, first: ModelSpec) -> ModelSpec:
    """The spec of a training that begins with the weights of `first`.

    Options, mean and std that it leaves open are theirs: weights know their own normalisation.

    Raises:
        ParameterError: another architecture, input shape or number of classes.
    """
    name = first.weights or first.name
    if spec.architecture.removeprefix(_PREFIX) != first.architecture.removeprefix(_PREFIX):
        raise ParameterError(
            f"{name} is a {first.architecture}, the network to train a {spec.architecture}: give "
            "that architecture, or other first weights."
        )
    if tuple(spec.input_shape) != first.input_shape:
        have, need = ("x".join(map(str, s)) for s in (first.input_shape, spec.input_shape))
        raise ParameterError(
            f"{name} takes {have} images, the data has {need}: choose other data, or other first "
            "weights."
        )
    if len(spec.class_names) != len(first.class_names):
        raise ParameterError(
            f"{name} knows {len(first.class_names)} classes, the data has "
            f"{len(spec.class_names)}: choose other data, or other first weights."
        )
    normalised = bool(spec.mean or spec.std)
    return dataclasses.replace(
        spec,
        options=spec.options or first.options,
        mean=spec.mean if normalised else first.mean,
        std=spec.std if normalised else first.std,
    )
