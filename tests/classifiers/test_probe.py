"""Networks that are no function of one image are refused, however little they depend on more."""

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rs_core.classifiers import Classifier, devices
from rs_core.classifiers.probe import agree
from rs_core.errors import ModelFileError
from rs_core.models.registry import build_network
from tests.conftest import spec_of

SHAPE = (3, 8, 8)


class Net(nn.Module):
    """A linear network behind batch norm, so that it is traced, with something added."""

    def __init__(self, change: Callable[["Net", Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.norm, self.layer = nn.BatchNorm2d(3), nn.Linear(192, 10)
        self.statistics = nn.BatchNorm2d(1, track_running_stats=False)
        self.few = nn.Dropout(0.001)
        self.change = change
        self.calls = 0
        self.own = np.random.default_rng(0)
        self.fair = random.Random(0)

    def forward(self, x: Tensor) -> Tensor:
        return self.change(self, x, self.logits(x))

    def count(self) -> int:
        self.calls += 1
        return self.calls

    def logits(self, x: Tensor) -> Tensor:
        found: Tensor = self.layer(self.norm(x).flatten(1))
        return found


def masked(logits: Tensor) -> Tensor:
    """With a last class that nobody uses."""
    return torch.cat([logits[:, :-1], torch.full((len(logits), 1), -1e4)], dim=1)


DEPENDENT = {
    "mean of the logits": lambda net, x, z: z + 0.03 * z.mean(0),
    "a thousandth of the logits' mean": lambda net, x, z: z + 0.001 * z.mean(0),
    "mean of the inputs": lambda net, x, z: net.logits(x + 0.01 * x.mean(0)),
    "batch statistics in one channel of three": lambda net, x, z: net.logits(
        torch.cat([x[:, :2], net.statistics(x[:, 2:])], dim=1)
    ),
    "largest value": lambda net, x, z: z / x.abs().max(),
    "batch size": lambda net, x, z: z * (1 + 0.01 * len(x)),
    "mean of the logits, one class masked": lambda net, x, z: masked(z + 0.03 * z.mean(0)),
    "tiny logits": lambda net, x, z: 1e-6 * (z + 0.03 * z.mean(0)),
}
CHANCE = {
    "torch": lambda net, x, z: z + 0.03 * torch.randn_like(z),
    "numpy": lambda net, x, z: z + 0.03 * float(np.random.rand()),  # noqa: NPY002
    "Python": lambda net, x, z: z if random.random() < 0.5 else -z,
    "dropout of .001": lambda net, x, z: net.logits(net.few.train()(x)),
    "a draw that is not used": lambda net, x, z: z + 0 * torch.rand(()),
}
CHANGING = {
    "a drift of .001 a call": lambda net, x, z: z + 0.001 * net.count(),
    "a generator of its own": lambda net, x, z: z if net.own.random() < 0.5 else -z,
    "a coin, one class masked": lambda net, x, z: masked(
        z if net.fair.random() < 0.5 else z.flip(1)
    ),
    "a coin where the image is bright": lambda net, x, z: (
        -z if float(x.mean()) > 0.8 and net.fair.random() < 0.5 else z
    ),
    "tiny logits and a coin": lambda net, x, z: 1e-6 * (z if net.fair.random() < 0.5 else -z),
}


@pytest.mark.parametrize("how", [*DEPENDENT, *CHANGING])
def test_rows_that_depend_on_more_than_their_image_are_refused(how: str) -> None:
    with pytest.raises(ModelFileError, match=r"other images of its batch, or from call to call"):
        Classifier(Net((DEPENDENT | CHANGING)[how]), spec_of(SHAPE, 10))


def states() -> tuple[object, ...]:
    """Where the process's generators stand."""
    numbers = np.random.get_state()[2]  # noqa: NPY002
    return random.getstate(), numbers, torch.get_rng_state().tolist()


@pytest.mark.parametrize("how", CHANCE)
def test_a_network_that_draws_random_numbers_is_refused_and_can_be_studied(how: str) -> None:
    network = Net(CHANCE[how])
    random.seed(1)
    before = states()
    with pytest.raises(ModelFileError, match=r"draws random numbers .*would not be independent"):
        Classifier(network, spec_of(SHAPE, 10))
    assert before == states()
    assert Classifier(network, spec_of(SHAPE, 10), random=True).random


class Stuck(Net):
    """Trains for ever, as Monte Carlo dropout does."""

    def train(self, mode: bool = True) -> "Stuck":
        return super().train(True)


def test_a_network_that_stays_in_training_mode_is_refused() -> None:
    with pytest.raises(ModelFileError, match=r"Stuck stays in training mode after eval\(\)"):
        Classifier(Stuck(lambda net, x, z: z), spec_of(SHAPE, 10))
    assert Classifier(Stuck(lambda net, x, z: z), spec_of(SHAPE, 10), random=True).random


@pytest.mark.parametrize("classes", ["plain", "masked", "tiny"])
def test_honest_networks_are_taken(classes: str) -> None:
    changes = {"plain": lambda net, x, z: z, "masked": lambda net, x, z: masked(z)}
    changes["tiny"] = lambda net, x, z: 1e-6 * z
    Classifier(Net(changes[classes]), spec_of(SHAPE, 10))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.heads = nn.Linear(12, 32), nn.MultiheadAttention(32, 4, batch_first=True)
        self.last = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(nn.functional.unfold(x, 2, stride=2).transpose(1, 2))
        found: Tensor = self.last(self.heads(tokens, tokens, tokens)[0].mean(dim=1))
        return found


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_kinds_of_honest_networks_give_equal_rows(
    threads: int, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "has_bf16", lambda device: True)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        views = nn.Sequential(nn.Flatten(), nn.Linear(192, 32), nn.ReLU(), nn.Linear(32, 10))
        for module in (Attention(), views, build_network("conv4", SHAPE, 10, {"widths": [8] * 4})):
            Classifier(module, spec_of(SHAPE, 10), precision=precision)
    finally:
        torch.set_num_threads(before)


def test_a_network_that_draws_only_in_training_is_taken() -> None:
    def trained(net: Net, x: Tensor, z: Tensor) -> Tensor:
        return z + torch.randn_like(z) if net.training else z

    Classifier(Net(trained), spec_of(SHAPE, 10))


def test_the_tolerance_is_of_each_logit() -> None:
    logits = torch.tensor([[1.0, 2.0, -1e4, 0.5], [3.0, 1.0, -1e4, 0.25]])
    moved = logits.clone()
    moved[0, 0] += 3e-4
    assert agree(logits, moved, 1.1e-4)
    assert not agree(logits, moved, 0.9e-4)
    assert not agree(logits, moved, 0.0)
    assert not agree(1e-9 * logits, 1e-9 * moved, 0.9e-4)
    sick = torch.tensor([[float("nan"), float("inf")], [1.0, 2.0]])
    assert agree(sick, sick.clone(), 0.0)
    assert agree(sick, sick.clone(), 1e-3)
    assert not agree(sick, torch.ones(2, 2), 1e-3)
