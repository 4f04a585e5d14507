"""A network from a training's checkpoint."""

import numpy as np
import torch
from torch import nn

from rs_core.errors import CheckpointError
from rs_core.models import build_network
from rs_core.results import ModelSpec, from_json
from rs_core.training.checkpoints.files import Checkpoint

_PREFIX = "average/"


def assigned_sigmas(checkpoint: Checkpoint) -> np.ndarray | None:
    """The sigmas (N,) of a checkpoint's images; None where they have none of their own yet."""
    found = checkpoint.tensors.get("kept/sigma")
    if found is None or not bool((found > 0).all()):
        return None
    return np.asarray(found.numpy())


def trained_network(checkpoint: Checkpoint) -> tuple[nn.Module, ModelSpec]:
    """The averaged network of a checkpoint, in eval mode on the CPU, and its description.

    Raises:
        CheckpointError: the checkpoint describes no network, or another one than it holds.
    """
    if "spec" not in checkpoint.state:
        raise CheckpointError(
            "the checkpoint was written by another version, which kept no description of the "
            "network: resume the training with the version that wrote it."
        )
    spec = from_json(ModelSpec, checkpoint.state["spec"])
    with torch.device("meta"):
        network = build_network(
            spec.architecture, spec.input_shape, len(spec.class_names), spec.options
        )
    tensors = {
        name.removeprefix(_PREFIX): tensor
        for name, tensor in checkpoint.tensors.items()
        if name.startswith(_PREFIX)
    }
    try:
        network.load_state_dict(tensors, strict=True, assign=True)
    except RuntimeError:
        raise CheckpointError(
            f"the checkpoint holds another {spec.architecture} than this version's: export it "
            "with the version that wrote it."
        ) from None
    return network.eval(), spec
