"""The network that a checkpoint holds, for whoever does not wait for the end of the training."""

import torch
from torch import nn

from rs_core.errors import CheckpointError
from rs_core.models import build_network
from rs_core.results import ModelSpec
from rs_core.training.checkpoints import Checkpoint

_AVERAGE = "average/"


def averaged_network(saved: Checkpoint, spec: ModelSpec) -> nn.Module:
    """The network with the averaged weights after the checkpoint's last epoch; eval mode, CPU.

    Raises:
        CheckpointError: the checkpoint is of another network than the spec's.
    """
    values = {
        name.removeprefix(_AVERAGE): tensor
        for name, tensor in saved.tensors.items()
        if name.startswith(_AVERAGE)
    }
    with torch.device("meta"):
        network = build_network(
            spec.architecture, spec.input_shape, len(spec.class_names), spec.options
        )
    try:
        network.load_state_dict(values, strict=True, assign=True)
    except RuntimeError:
        raise CheckpointError(
            f"the checkpoint holds another network than {spec.architecture}: start the training "
            "anew."
        ) from None
    return network.eval()
