"""A network that is told its noise level: whoever runs it under sigma runs f(., sigma)."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rs_core.attacks import ATTACKS
from rs_core.attacks.targets import Plain, Smoothed
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.guarantees import GUARANTEES
from rs_core.images import image_from_array
from rs_core.models import build_network
from rs_core.results import Selection
from rs_core.selectors import SELECTORS
from rs_core.smoothing import draw_votes
from tests.conftest import spec_of

SHAPE = (1, 8, 8)
SIGMAS = np.array([[0.1, 0.2, 0.4]])


def told(seed: int = 6) -> nn.Module:
    """A conv4-sigma with random weights, the ones that see sigma too."""
    torch.manual_seed(seed)
    network = build_network("conv4-sigma", SHAPE, 3, {"widths": [4, 4, 4, 8]}).eval()
    for scale in network.told:
        nn.init.normal_(scale.affine.weight, std=0.5)
    nn.init.zeros_(network.head.bias)
    nn.init.normal_(network.head.weight)
    return network


class Frozen(nn.Module):
    """f(., sigma) of one sigma, as a network that takes none."""

    def __init__(self, network: nn.Module, sigma: float) -> None:
        super().__init__()
        self.network, self.sigma = network, sigma

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.network(inputs, torch.full((len(inputs),), self.sigma))
        return logits


def pair(sigma: float) -> tuple[Classifier, Classifier]:
    spec = spec_of(SHAPE, 3, mean=(0.5,), std=(0.25,))
    return (
        Classifier(told(), spec, weights_id="same"),
        Classifier(Frozen(told(), sigma), spec, weights_id="same"),
    )


def picture(classifier: Classifier) -> object:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 1), np.uint8)
    return image_from_array(pixels, classifier.spec)


def test_votes_at_a_sigma_are_those_of_the_network_at_that_sigma() -> None:
    counts = []
    for column, sigma in enumerate(SIGMAS[0]):
        classifier, frozen = pair(float(sigma))
        image = picture(classifier)
        many = drain(
            draw_votes(classifier, [image], SIGMAS, 200, seed=0, caller="a", stage="label")
        )
        one = drain(draw_votes(frozen, [image], [[sigma]], 200, seed=0, caller="a", stage="label"))
        assert many.counts[0, column].tolist() == one.counts[0, 0].tolist()
        counts.append(one.counts[0, 0].tolist())
    assert counts[0] != counts[2]  # or the test could not tell


def test_batch_norm_is_folded() -> None:
    classifier, _ = pair(0.2)
    assert classifier.takes_sigma
    assert not any(isinstance(m, nn.BatchNorm2d) for m in classifier.module.modules())
    pixels = torch.rand(4, *SHAPE)
    expected = told()((pixels - 0.5) / 0.25, torch.full((4,), 0.4))
    assert torch.allclose(classifier(pixels, 0.4), expected, atol=1e-4)
    assert torch.allclose(classifier(pixels, torch.full((4,), 0.4)), expected, atol=1e-4)


def test_without_a_sigma_there_is_no_answer() -> None:
    classifier, frozen = pair(0.2)
    with pytest.raises(ParameterError, match="is told its noise level"):
        classifier(torch.rand(1, *SHAPE))
    assert frozen(torch.rand(1, *SHAPE)).shape == (1, 3)  # nobody else must be told


def test_attacks_tell_it_the_sigma_that_they_attack() -> None:
    classifier, frozen = pair(0.4)
    pixels = torch.rand(2, *SHAPE)
    own, same = (
        Smoothed(c, [1, 2], [0.4, 0.4], draws=3).logits(pixels, range(2), range(3), 0)
        for c in (classifier, frozen)
    )
    assert torch.allclose(own, same, atol=1e-5)
    clean, _ = Plain(classifier, [1, 2]), None
    assert torch.allclose(clean.logits(pixels, range(2), range(1), 0)[:, 0], classifier(pixels, 0))
    found = drain(
        ATTACKS["epgd"](eps=0.5, sigma=0.4, steps=2, draws=2).run(
            classifier, [picture(classifier)], seed=0
        )
    )
    assert len(found) == 1


def test_the_ascent_on_sigma_moves_what_the_network_is_told() -> None:
    classifier, frozen = pair(0.25)
    selector = SELECTORS["gradient"](steps=3, n=4, step_size=0.5)
    picked = [drain(selector.run(c, [picture(c)], seed=0))[0].sigma for c in (classifier, frozen)]
    assert picked[0] != pytest.approx(picked[1], abs=1e-4)


def test_a_proof_that_compares_sigmas_refuses_it() -> None:
    classifier, frozen = pair(0.25)
    picked = Selection("knn", 0.25, (), 0, rate=0.01)
    guarantee = GUARANTEES["sukenik"](n=100, n0=10)
    with pytest.raises(ParameterError, match="a network that does not see sigma"):
        drain(guarantee.run(classifier, [picture(classifier)], [picked], seed=0))
    assert drain(guarantee.run(frozen, [picture(frozen)], [picked], seed=0))
    fixed = dataclasses.replace(picked, rate=None, selector="fixed")
    assert drain(
        GUARANTEES["global_sigma"](n=100, n0=10).run(
            classifier, [picture(classifier)], [fixed], seed=0
        )
    )
