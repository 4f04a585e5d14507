"""Networks with noise of their own: which may vote, and what they must show first."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rs_core.classifiers import Classifier
from rs_core.errors import ModelFileError
from rs_core.models import build_network
from rs_core.models.injected_networks import Conv4Cpni
from rs_core.models.injected_noise import ColouredNoise, PlainNoise
from tests.conftest import spec_of

SHAPE, WIDTHS = (1, 8, 8), [4, 4, 4, 8]


def cpni(**options: Any) -> nn.Module:
    torch.manual_seed(5)
    return build_network("conv4-cpni", SHAPE, 3, {"widths": WIDTHS, **options}).eval()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("noise", ["weights", "activations", "both"])
def test_ours_say_of_themselves_that_they_are_random(noise: str, precision: str) -> None:
    classifier = Classifier(cpni(noise=noise), spec_of(SHAPE, 3), precision=precision)
    assert (classifier.random, classifier.draws_per_copy) == (True, True)
    pixels = torch.rand(1, *SHAPE).expand(4, -1, -1, -1)
    assert not torch.equal(classifier(pixels)[0], classifier(pixels)[1])


def test_others_are_studied_only() -> None:
    class Wrapped(nn.Module):
        injects_noise = True

        def __init__(self) -> None:
            super().__init__()
            self.network = cpni()

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.network(x)
            return logits + torch.randn(1)  # one draw for all

    class Derived(Conv4Cpni):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + torch.randn(1)

    hooked, replaced = cpni(), cpni()
    hooked.register_forward_hook(lambda part, given, said: said + torch.randn(1))

    class Shifted(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + torch.randn(1)

    replaced.head = Shifted(8, 3)
    derived = Derived(3, 1, (8, 8), WIDTHS)
    for network in (Wrapped(), derived, hooked, replaced, cpni(shared_draws=True)):
        classifier = Classifier(network, spec_of(SHAPE, 3))
        assert (classifier.random, classifier.draws_per_copy) == (True, False)


def test_noise_that_has_no_strength_makes_no_independent_copies() -> None:
    network = cpni()
    for part in network.modules():
        if isinstance(part, ColouredNoise):
            part.alpha_d.data.zero_()
            part.alpha_f.data.zero_()
        elif isinstance(part, PlainNoise):
            part.alpha.data.zero_()
    with pytest.raises(ModelFileError, match="equal images of a batch get equal answers"):
        Classifier(network, spec_of(SHAPE, 3))


def test_a_row_that_hangs_on_its_batch_is_found_under_the_noise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the authors' deviation over the whole batch would have it."""

    def over_the_batch(features: Tensor, noise: Any, draws: int) -> Tensor:
        if noise is None:
            return features
        rows = features.flatten(1)
        drawn: Tensor = noise.added(rows, rows.std(), draws)
        return drawn.view(features.shape)

    monkeypatch.setattr("rs_core.models.injected_noise._with_noise", over_the_batch)
    with pytest.raises(ModelFileError, match="changes with the other images of its batch"):
        Classifier(cpni(noise="activations"), spec_of(SHAPE, 3))


def test_batch_norm_in_training_mode_is_found_under_the_noise() -> None:
    network = cpni()
    network.features[0][1].eval = lambda: network.features[0][1].train()  # type: ignore[method-assign]
    network.features[0][1].track_running_stats = False
    network.features[0][1].running_mean = network.features[0][1].running_var = None
    with pytest.raises(ModelFileError, match="changes with the other images of its batch"):
        Classifier(network.train(), spec_of(SHAPE, 3))


def test_a_caller_in_training_mode_is_left_there_and_its_copy_is_not() -> None:
    network = cpni().train()
    classifier = Classifier(network, spec_of(SHAPE, 3))
    assert network.training
    assert not any(part.training for part in classifier.module.modules())
