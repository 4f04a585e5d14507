import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.ao.quantization import quantize_dynamic

from rs_core import api
from rs_core.classifiers import Classifier, devices, load_classifier
from rs_core.classifiers.devices import resolve_device, resolve_precision
from rs_core.errors import DeviceError, ModelFileError, ParameterError, WeightsNotFoundError
from rs_core.images import ImageInput
from rs_core.models.registry import MODELS, build_network
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


@pytest.mark.parametrize("architecture", sorted(MODELS))
def test_a_threads_copy_gives_the_prepared_networks_numbers(architecture: str) -> None:
    network = trained_like(architecture)
    classifier = Classifier(network, spec_of(SHAPE, 10))
    told = (torch.full((4,), 0.25),) if classifier.takes_sigma else ()
    pixels = torch.rand(4, *SHAPE).contiguous(memory_format=torch.channels_last)
    found = []
    for ask in (classifier.module, classifier, classifier):
        torch.manual_seed(0)  # some have noise of their own
        given = told if ask is classifier.module else (0.25,)
        found.append(ask(pixels, *given))
        pixels.requires_grad_(ask is not classifier.module)
    assert torch.equal(found[1], found[0])
    assert torch.equal(found[2], found[0])


def test_a_copy_that_would_lose_hooks_is_refused() -> None:
    def flipped(part: nn.Module, given: object, said: torch.Tensor) -> torch.Tensor:
        return said.flip(1)

    plain, traced = (nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)).eval() for _ in range(2))
    plain.register_forward_hook(flipped)
    pixels = torch.rand(2, *SHAPE)
    assert torch.equal(Classifier(plain, spec_of(SHAPE, 10))(pixels), plain(pixels))

    graph = torch.fx.symbolic_trace(traced)
    assert torch.equal(Classifier(graph, spec_of(SHAPE, 10))(pixels), graph(pixels))
    handle = graph.register_forward_hook(flipped)
    for network in (graph, nn.Sequential(graph)):
        with pytest.raises(ModelFileError, match="GraphModule loses its hooks"):
            Classifier(network, spec_of(SHAPE, 10))
    handle.remove()
    graph.forward = lambda inputs: traced(inputs).flip(1)
    with pytest.raises(ModelFileError, match="a forward of its own"):
        Classifier(graph, spec_of(SHAPE, 10))


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


def linear_net() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, 2))


class Immovable(nn.Module):
    def float(self) -> "Immovable":
        raise AttributeError("no floats here")


EXTRA: dict[str, object] = {"state": "not a tensor"}


class StrangeState(nn.Module):
    def get_extra_state(self) -> object:
        return EXTRA["state"]

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :2]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: torch.jit.script(linear_net()), "TorchScript"),
        (lambda: torch.jit.trace(linear_net(), torch.zeros(1, *SHAPE)), "TorchScript"),
        (lambda: nn.Sequential(torch.jit.script(linear_net())), "TorchScript"),
        (lambda: quantize_dynamic(linear_net(), {nn.Linear}), "quantised layers"),
        (lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(2)), "LazyLinear has no weights yet"),
        (lambda: lambda x: x, "is no network: give a torch.nn.Module"),
        (lambda: None, "None is no network"),
        (lambda: nn.Linear, "is no network"),
        (Immovable, "cannot be prepared on cpu .AttributeError: no floats here"),
    ],
)
def test_foreign_modules_are_refused_in_one_sentence(
    make: Callable[[], nn.Module], message: str
) -> None:
    with pytest.raises(ModelFileError, match=message) as caught:
        Classifier(make(), spec_of(SHAPE, 2))
    assert "\n" not in str(caught.value)


def test_a_strange_state_is_in_the_name_or_asks_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Classifier(StrangeState(), spec_of(SHAPE, 2)).weights_id
    monkeypatch.setitem(EXTRA, "state", "another")
    assert Classifier(StrangeState(), spec_of(SHAPE, 2)).weights_id != first
    monkeypatch.setitem(EXTRA, "state", threading.Lock())
    with pytest.raises(ModelFileError, match=r"extra state .lock. .* weights_id=") as caught:
        Classifier(StrangeState(), spec_of(SHAPE, 2))
    assert "\n" not in str(caught.value)
    assert Classifier(StrangeState(), spec_of(SHAPE, 2), weights_id="mine").weights_id == "mine"


class Raises(nn.Module):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def forward(self, x: Tensor) -> Tensor:
        raise self.error


@pytest.mark.parametrize(
    "error", [KeyError("a"), AttributeError("b"), ZeroDivisionError("c\nd"), OSError(2, "e")]
)
def test_whatever_a_network_raises_becomes_one_sentence(error: Exception) -> None:
    with pytest.raises(ModelFileError, match=f"{type(error).__name__}: .*; correct") as caught:
        Classifier(Raises(error), spec_of(SHAPE, 2))
    assert "\n" not in str(caught.value)


class FixedRows(nn.Module):
    """Hard-wired to batches of so many rows, as an exported network often is."""

    def __init__(self, *rows: int, pad: bool = False) -> None:
        super().__init__()
        self.rows = rows
        self.pad = pad

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)[:, :2]
        if self.pad:
            return flat[: self.rows[0]]
        assert len(x) in self.rows, f"built for {self.rows} rows"
        return flat


@pytest.mark.parametrize("rows", [(16,), (16, 64), (16, 128)])
def test_a_network_that_cannot_take_the_batches_of_voting_is_refused(rows: tuple[int, ...]) -> None:
    with pytest.raises(ModelFileError, match=f"in a batch of .*built for .{rows[0]}"):
        Classifier(FixedRows(*rows), spec_of(SHAPE, 2))
    with pytest.raises(ModelFileError, match="returns 16 rows for a batch of 64"):
        Classifier(FixedRows(16, pad=True), spec_of(SHAPE, 2))


def test_a_network_that_takes_just_the_batches_of_voting_works(grey: ImageInput) -> None:
    classifier = Classifier(FixedRows(16, 64, 128), spec_of((1, 8, 8), 2))
    assert len(api.sweep(classifier, grey, sigmas=(0.1, 0.2, 0.3), n=100).certificates) == 3


def test_large_inputs_are_tried_in_few_rows() -> None:
    seen: list[int] = []

    class Counts(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(len(x))
            return x.flatten(1)[:, :2]

    Classifier(Counts(), spec_of((3, 224, 224), 2))
    assert set(seen) == {1, 4, 8}
    assert sum(seen) <= 60


class ScalesByBatch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :2] / len(x)


def test_logits_that_change_with_the_batch_size_are_refused() -> None:
    with pytest.raises(ModelFileError, match="would not be independent"):
        Classifier(ScalesByBatch(), spec_of(SHAPE, 2))


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
def test_a_spec_may_hold_lists_arrays_or_tensors(kind: Callable[[object], object]) -> None:
    plain = spec_of(SHAPE, 2, mean=(0.25, 0.5, 0.75), std=(0.25, 0.5, 1.0))
    changes = {"input_shape": SHAPE, "mean": plain.mean, "std": plain.std}
    given = replace(plain, **{key: kind(value) for key, value in changes.items()})
    torch.manual_seed(0)
    module = linear_net()
    classifier = Classifier(module, given)
    assert classifier.spec == plain
    assert classifier.weights_id == Classifier(module, plain).weights_id


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"mean": (float("nan"),) * 3, "std": (1.0,) * 3},
            r"mean=\[NaN, NaN, NaN\]: it must hold 3",
        ),
        ({"mean": (0.5,) * 3, "std": (0.1, 0.2, float("inf"))}, r"std=\[0.1, 0.2, Infinity\]"),
        (
            {"mean": np.zeros(5), "std": np.ones(5)},
            r"mean=\[0.0, 0.0, 0.0, 0.0, 0.0\]: .* 3 finite",
        ),
        ({"mean": (object(),) * 3}, "mean=.*object"),
        ({"mean": 0.5}, "mean=0.5: it must hold 3"),
        ({"name": ""}, 'the network: its spec has name="": it must be text, and not empty'),
        ({"name": None}, "name=null: it must be text"),
        ({"input_shape": (1, 5000, 28)}, "height and width from 1 to 4096"),
        ({"input_shape": (1, 28, 0)}, "1 to 64 channels, height and width from 1 to 4096"),
        ({"class_names": ("only",)}, "it must list 2 to 22,000 names"),
    ],
)
def test_a_spec_at_fault_is_named_with_its_limit(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        Classifier(linear_net(), replace(spec_of(SHAPE, 2), **changes))
    with pytest.raises(ModelFileError, match="spec='mine' is no ModelSpec"):
        Classifier(linear_net(), "mine")


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

def stops():
    raise KeyError("no\\nsuch key")

def fails():
    return 1 / 0

def exits():
    raise SystemExit(1)

def needs(path):
    return make()

def refuses():
    from rs_core.errors import DeviceError
    raise DeviceError("its own sentence.")

NUMBER = 3
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

    for name in ("stops", "fails", "exits", "NUMBER", "needs"):
        with pytest.raises(ModelFileError, match=r"cannot be called .* that returns") as caught:
            load_classifier(f"my_networks:{name}", device="cpu")
        assert "\n" not in str(caught.value)
    with pytest.raises(DeviceError, match="its own sentence"):
        load_classifier("my_networks:refuses", device="cpu")


@pytest.mark.parametrize(
    "reference", ["os:path", "json:loads", ".x:f", ":f", "a:", "a" * 5000 + ":x"]
)
def test_references_that_name_no_factory_are_refused(reference: str) -> None:
    with pytest.raises(ModelFileError, match=r"^--model") as caught:
        load_classifier(reference, device="cpu")
    assert len(str(caught.value)) < 400


def test_a_module_that_exits_when_imported_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_script.py").write_text("raise SystemExit('usage: my_script')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(ModelFileError, match=r"cannot be imported .SystemExit: usage"):
        load_classifier("my_script:make", device="cpu")


@pytest.mark.parametrize("model", [None, 3, ["mnist-conv4"], nn.Identity()])
def test_what_names_no_model_is_refused(model: object) -> None:
    with pytest.raises(ParameterError, match="is no model: give a shipped name, a path"):
        load_classifier(model, device="cpu")


def test_unknown_models_are_refused() -> None:
    with pytest.raises(WeightsNotFoundError, match="mnist-conv5"):
        load_classifier("mnist-conv5", device="cpu")


def test_spec_is_public() -> None:
    assert ModelSpec("x", "y", (1, 2, 3), ("a",)).train_sigma is None
