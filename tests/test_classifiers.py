import sys
import threading
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from rs_core import devices
from rs_core.classifiers import Classifier, load_classifier
from rs_core.devices import resolve_device, resolve_precision
from rs_core.errors import DeviceError, ModelFileError, WeightsNotFoundError
from rs_core.models.registry import build_network
from rs_core.results import ModelSpec
from tests.conftest import spec_of

SHAPE = (3, 32, 32)


def trained_like(architecture: str, seed: int = 0) -> nn.Module:
    """A network whose batch-norm statistics are not the defaults, so that folding matters."""
    torch.manual_seed(seed)
    network = build_network(architecture, SHAPE, 10, {})
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
    return network


@pytest.mark.parametrize("architecture", ["conv4", "resnet20"])
def test_the_prepared_copy_computes_the_same_function(architecture: str) -> None:
    network = trained_like(architecture)
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
    classifier = Classifier(network, spec_of(SHAPE, 10, mean=mean, std=std))
    pixels = torch.rand(8, *SHAPE) * 3 - 1
    normalised = (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    with torch.no_grad():
        expected = network.eval()(normalised)
        found = classifier(pixels)
    assert torch.allclose(found, expected, atol=1e-3, rtol=1e-3)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in classifier.module.modules())


def test_the_callers_network_is_left_alone() -> None:
    network = trained_like("conv4").train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    classifier = Classifier(network, spec_of(SHAPE, 10))
    assert network.training
    assert all(p.requires_grad for p in network.parameters())
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())
    assert not any(p.requires_grad for p in classifier.module.parameters())
    assert not any(m.training for m in classifier.module.modules())


def test_gradients_reach_the_input_only() -> None:
    classifier = Classifier(trained_like("conv4"), spec_of(SHAPE, 10))
    pixels = torch.rand(2, *SHAPE, requires_grad=True)
    (gradient,) = torch.autograd.grad(classifier(pixels).sum(), pixels)
    assert gradient.shape == pixels.shape
    assert gradient.abs().sum() > 0


def test_rows_do_not_influence_each_other() -> None:
    classifier = Classifier(trained_like("resnet20"), spec_of(SHAPE, 10))
    pixels = torch.rand(64, *SHAPE)
    with torch.inference_mode():
        together = classifier(pixels)
        shuffled = classifier(pixels.flip(0)).flip(0)
    assert torch.allclose(together, shuffled, atol=1e-5)


class BatchCoupled(nn.Module):
    """Normalises by its batch even in eval()."""

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)[:, :2]
        return (flat - flat.mean(dim=0)) / (flat.std(dim=0) + 1e-3)


def test_a_batch_coupled_network_is_refused() -> None:
    with pytest.raises(ModelFileError, match="would not be independent"):
        Classifier(BatchCoupled(), spec_of(SHAPE, 2))


class DecidesPerBatch(nn.Module):
    """One small answer for all rows, by the batch's mean."""

    def forward(self, x: Tensor) -> Tensor:
        up = (x.mean() > 0.5).float() * 0.01
        return torch.stack([up, 0.01 - up]).expand(len(x), 2)


class TossesACoin(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        score = (torch.rand(()) - 0.5).expand(len(x))
        return torch.stack([score, -score], dim=1)


class BatchNormWithoutMemory(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, track_running_stats=False), nn.Flatten(),
            nn.Linear(8 * 30 * 30, 1000), nn.Softmax(dim=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.net(x)
        return found


@pytest.mark.parametrize(
    ("module", "classes"),
    [(DecidesPerBatch(), 2), (TossesACoin(), 2), (BatchNormWithoutMemory(), 1000)],
    ids=lambda value: type(value).__name__,
)
def test_votes_that_would_not_be_independent_are_refused(module: nn.Module, classes: int) -> None:
    with pytest.raises(ModelFileError, match="would not be independent"):
        Classifier(module, spec_of(SHAPE, classes))


class Views(nn.Module):
    """The tutorial's habit: .view() needs the plain memory layout."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3072, 4)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layer(x.view(x.size(0), -1))
        return found


def test_a_network_that_views_its_input_works() -> None:
    module = Views()
    pixels = torch.rand(5, *SHAPE)
    classifier = Classifier(module, spec_of(SHAPE, 4))
    with torch.no_grad():
        assert torch.allclose(classifier(pixels), module(pixels), atol=1e-5)


def test_a_float64_network_with_batch_norm_works() -> None:
    module = trained_like("conv4").double()
    pixels = torch.rand(4, *SHAPE)
    with torch.no_grad():
        expected = module.eval()(pixels.double()).float()
        found = Classifier(module, spec_of(SHAPE, 10))(pixels)
    assert torch.allclose(found, expected, atol=1e-3, rtol=1e-3)


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x


class Asserts(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        torch._assert(x.shape[-1] == 224, "wrong image size")
        return x.flatten(1)[:, :2]


class Locked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Pair(), "one .batch, classes. tensor"),
        (Asserts(), "wrong image size"),
        (Locked(), "copied"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_unfit_modules_are_refused_in_one_sentence(module: nn.Module, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        Classifier(module, spec_of(SHAPE, 2))


@pytest.mark.parametrize(
    "numbers",
    [
        {"mean": (0.5,) * 3, "std": (0.2, 0.0, 0.2)},
        {"mean": (0.5,) * 3},
        {"std": (0.2,) * 3},
        {"mean": (0.5,), "std": (0.2,)},
        {"mean": (float("nan"),) * 3, "std": (0.2,) * 3},
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(numbers: dict[str, tuple[float, ...]]) -> None:
    with pytest.raises(ModelFileError, match=r"mean|std"):
        Classifier(trained_like("conv4"), spec_of(SHAPE, 10, **numbers))


class WrongInput(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(1, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.layer(x).mean(dim=(2, 3))
        return found


class Picture(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


@pytest.mark.parametrize(
    ("module", "classes", "message"),
    [
        (WrongInput(), 2, "does not accept input"),
        (Picture(), 2, r"must return one \(batch, classes\)"),
        (nn.Sequential(nn.Flatten(), nn.Linear(3072, 5)), 10, "5.*values per image for 10 class"),
    ],
)
def test_networks_that_do_not_fit_their_spec_are_refused(
    module: nn.Module, classes: int, message: str
) -> None:
    with pytest.raises(ModelFileError, match=message):
        Classifier(module, spec_of(SHAPE, classes))


def test_weights_id_names_the_weights() -> None:
    network = trained_like("conv4")
    spec = spec_of(SHAPE, 10)
    first = Classifier(network, spec).weights_id
    assert first == Classifier(network, spec).weights_id
    assert first != Classifier(trained_like("conv4", seed=1), spec).weights_id
    assert (
        first != Classifier(network, spec_of(SHAPE, 10, mean=(0.5,) * 3, std=(1.0,) * 3)).weights_id
    )


def test_bf16_is_refused_where_the_hardware_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr(devices, "has_bf16", lambda device: False)
    assert resolve_precision("auto", cpu) == "fp32"
    with pytest.raises(DeviceError, match="use --precision fp32"):
        resolve_precision("bf16", cpu)
    monkeypatch.setattr(devices, "has_bf16", lambda device: True)
    assert resolve_precision("auto", cpu) == "bf16"
    with pytest.raises(DeviceError, match="fp16"):
        resolve_precision("fp16", cpu)


@pytest.mark.parametrize("name", ["gpu", "mps", "cuda:99", "cuda:x", ""])
def test_unknown_devices_are_refused(name: str) -> None:
    with pytest.raises(DeviceError, match="device"):
        resolve_device(name)


FACTORY = """
from torch import nn
from rs_core.results import ModelSpec

def make():
    spec = ModelSpec("mine", "mine", input_shape=(1, 4, 4), class_names=("a", "b"))
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 2)), spec

def wrong():
    return 3
"""


def test_a_factory_of_the_users_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_networks.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    made = load_classifier("my_networks:make", device="cpu")
    assert made.spec.name == "mine"
    assert made.precision == "fp32"
    for reference in ("my_networks:wrong", "my_networks:nothing", "no_such_module:make"):
        with pytest.raises(ModelFileError, match=r"my_networks|no_such_module"):
            load_classifier(reference, device="cpu")


def test_unknown_models_are_refused() -> None:
    with pytest.raises(WeightsNotFoundError, match="mnist-conv5"):
        load_classifier("mnist-conv5", device="cpu")


def test_spec_is_public() -> None:
    assert ModelSpec("x", "y", (1, 2, 3), ("a",)).train_sigma is None
