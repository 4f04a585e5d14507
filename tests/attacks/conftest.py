"""A small network with opinions, images, and one setting of every attack."""

import numpy as np
import pytest
import torch
from torch import nn

from rs_core.attacks import ATTACKS, Attack
from rs_core.classifiers import Classifier
from rs_core.images import ImageInput, image_from_array
from rs_core.models import build_network
from tests.conftest import spec_of

SHAPE = (1, 28, 28)
SETTINGS: dict[str, Attack] = {
    "fgsm": ATTACKS["fgsm"](eps=0.1),
    "pgd": ATTACKS["pgd"](eps=0.8, steps=6, restarts=2, targets=2),
    "epgd": ATTACKS["epgd"](eps=0.8, steps=4, draws=10, sigma=0.3),
    "ddn": ATTACKS["ddn"](steps=15),
    "cw": ATTACKS["cw"](steps=10, rounds=3),
    "minimal": ATTACKS["minimal"](steps=4, draws=3, rounds=3, judged=32, refine=3),
    "square": ATTACKS["square"](eps=0.2, queries=30),
    "gaussian": ATTACKS["gaussian"](eps=1.0, tries=4),
}


@pytest.fixture(scope="session")
def network() -> Classifier:
    torch.manual_seed(0)
    network = build_network("conv4", SHAPE, 10, {"widths": [4, 4, 8, 8]})
    head = [m for m in network.modules() if isinstance(m, nn.Linear)][-1]
    with torch.no_grad():
        logits = network.eval()(torch.rand(64, *SHAPE) + torch.randn(64, *SHAPE) / 2)
        scale = 3 / logits.std(dim=0)
        head.weight.mul_(scale[:, None])
        head.bias.copy_((head.bias - logits.mean(dim=0)) * scale)
    return Classifier(network, spec_of(SHAPE, 10))


@pytest.fixture(scope="session")
def images() -> list[ImageInput]:
    """Images without labels: each attack starts from what its target says."""
    rng = np.random.default_rng(0)
    spec = spec_of(SHAPE, 10)
    pixels = rng.integers(0, 256, (5, 28, 28, 1), dtype=np.uint8)
    return [image_from_array(p, spec, name=str(i)) for i, p in enumerate(pixels)]
