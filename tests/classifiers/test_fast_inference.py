"""Votes by fused layers are the votes of the plain ones, or there are no fused layers."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, fx, nn
from torch.nn.functional import pad, relu

from rs_core import api
from rs_core.classifiers import Classifier, classifier, devices, fast_inference
from rs_core.classifiers.fast_inference import ConvReLU2d, fused, largest_value
from rs_core.images import image_from_array
from rs_core.models.registry import build_network
from tests.conftest import spec_of

SPEC = spec_of((3, 16, 16), 5, mean=(0.5,) * 3, std=(0.25,) * 3)
IMAGE = image_from_array(
    np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8), SPEC, name="noise"
)


def network(name: str = "conv4") -> nn.Module:
    torch.manual_seed(0)
    return build_network(name, SPEC.input_shape, 5, {}).eval()


def fused_layers(module: nn.Module | None) -> int:
    return 0 if module is None else sum(type(part) is ConvReLU2d for part in module.modules())


HAS_BF16 = devices.has_bf16(torch.device("cpu"))
BF16 = pytest.param("bf16", marks=pytest.mark.skipif(not HAS_BF16, reason="no bf16 instructions"))


@pytest.mark.parametrize("precision", ["fp32", BF16])
@pytest.mark.parametrize(("name", "layers"), [("conv4", 4), ("resnet20", 10)])
def test_fused_layers_answer_with_the_same_bits(name: str, layers: int, precision: str) -> None:
    own = Classifier(network(name), SPEC, precision=precision)
    assert fused_layers(fused(own.module)) == layers
    assert fused_layers(own.own_copy().votes) in (layers, 0)  # 0: the bits differ on this processor
    for rows in (16, own.block, 2 * own.block):
        pixels = 3 * torch.randn(rows, *SPEC.input_shape)
        with torch.no_grad():
            plain = own(pixels)
        with torch.inference_mode():
            assert torch.equal(own(pixels), plain)


def test_a_gradient_passes_through_the_plain_layers() -> None:
    own = Classifier(network(), SPEC)
    pixels = torch.rand(2, *SPEC.input_shape, requires_grad=True)
    own(pixels).sum().backward()
    assert pixels.grad is not None
    assert pixels.grad.abs().sum() > 0


def counts(own: Classifier) -> list[int]:
    return list(api.certify(own, IMAGE, sigma=0.5, n=500, seed=0).counts)


def test_a_certificate_has_the_votes_that_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Classifier(network(), SPEC)
    assert fused_layers(quick.own_copy().votes) == 4
    monkeypatch.setattr(classifier, "fused", lambda _: None)
    plain = Classifier(network(), SPEC)
    assert plain.own_copy().votes is None
    assert counts(quick) == counts(plain)


def test_where_the_kernel_is_unknown_plain_layers_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = counts(Classifier(network(), SPEC))
    monkeypatch.setattr(fast_inference, "_OP", "no_such_kernel")
    own = Classifier(network(), SPEC)
    assert own.own_copy().votes is None
    assert counts(own) == expected


def _otherwise(self: ConvReLU2d, input: Tensor) -> Tensor:
    return relu(self.convolution(input)) * 1.001


def _unable(self: ConvReLU2d, input: Tensor) -> Tensor:
    raise RuntimeError("expected at most 9 arguments")


@pytest.mark.parametrize("kernel", [_otherwise, _unable])
def test_a_kernel_that_answers_otherwise_is_not_asked(
    kernel: Callable[[ConvReLU2d, Tensor], Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = counts(Classifier(network(), SPEC))
    monkeypatch.setattr(ConvReLU2d, "forward", kernel)
    own = Classifier(network(), SPEC)
    assert own.own_copy().votes is None
    assert counts(own) == expected


class Overflowing(nn.Module):
    """Infinity less infinity where a copy is bright enough; batch norm makes it a traced one."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 1)
        self.norm, self.second = nn.BatchNorm2d(4), nn.Conv2d(4, 4, 1, bias=False)
        self.head = nn.Linear(4, 5)
        with torch.no_grad():
            self.first.weight.fill_(weight)
            self.second.weight.fill_(1)
            self.second.weight[:, 0] = -1

    def forward(self, inputs: Tensor) -> Tensor:
        features = relu(self.second(relu(self.norm(self.first(inputs)))))
        logits: Tensor = self.head(features.mean(dim=(2, 3)))
        return logits


def test_nan_stays_invalid_because_what_may_overflow_is_not_fused() -> None:
    votes = counts(Classifier(Overflowing(3e38), SPEC))
    assert votes[-1] > 400  # the kernel's own ReLU would make the NaN a 0, and a class of the row
    assert Classifier(Overflowing(3e38), SPEC).own_copy().votes is None
    assert fused_layers(Classifier(Overflowing(0.5), SPEC).own_copy().votes) == 2


class Wired(nn.Module):
    """Two convolutions, read in different ways."""

    def __init__(self, wires: Callable[["Wired", Tensor], Tensor], **options: object) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 3, 3, **{"padding": 1, **options})  # type: ignore[arg-type]
        self.two, self.wires = nn.Conv2d(3, 3, 3, padding=1), wires

    def forward(self, inputs: Tensor) -> Tensor:
        return self.wires(self, inputs)


def traced(wires: Callable[[Wired, Tensor], Tensor], **options: object) -> fx.GraphModule:
    return fx.symbolic_trace(Wired(wires, **options).eval().requires_grad_(False))


def _twice(net: Wired, x: Tensor) -> Tensor:
    return relu(net.one(net.one(x)))


def _read(net: Wired, x: Tensor) -> Tensor:
    found = net.one(x)
    return torch.add(relu(found), found)


@pytest.mark.parametrize(
    ("wires", "options", "layers"),
    [
        (lambda net, x: relu(net.one(x)), {}, 1),
        (lambda net, x: relu(net.two(relu(net.one(x)))), {}, 2),
        (lambda net, x: relu(net.one(x)) + relu(net.two(x)), {}, 2),
        (lambda net, x: relu(net.one(pad(x, (1, 1)))) + relu(net.two(x[:, :, ::2])).mean(), {}, 2),
        (lambda net, x: relu(net.one(pad(x, (1, 1), value=9e30))), {}, 0),
        (lambda net, x: relu(net.one(x)), {"padding": "same"}, 0),
        (lambda net, x: relu(net.one(x)), {"padding_mode": "reflect"}, 0),
        (lambda net, x: relu(net.one(x) + x), {}, 0),
        (lambda net, x: relu(net.one(x)) * 2, {}, 0),  # a node that nothing is known of
        (lambda net, x: torch.add(relu(net.one(x)), x, alpha=9), {}, 0),
        (_twice, {}, 0),
        (_read, {}, 0),
    ],
)
def test_only_pairs_that_nobody_looks_into_are_fused(
    wires: Callable[[Wired, Tensor], Tensor], options: dict[str, object], layers: int
) -> None:
    plain = traced(wires, **options)
    found = fused(plain)
    assert fused_layers(found) == layers
    if found is not None:
        pixels = torch.randn(4, 3, 8, 8)
        with torch.inference_mode():
            assert torch.equal(found(pixels), plain(pixels))


def test_a_layer_that_is_listened_to_stays() -> None:
    plain = traced(lambda net, x: relu(net.two(relu(net.one(x)))))
    plain.one.register_forward_hook(lambda *_: None)
    assert largest_value(plain) == float("inf")
    assert fused(plain) is None


@given(st.integers(0, 2**31), st.floats(0.01, 100.0))
def test_no_value_exceeds_its_bound(seed: int, scale: float) -> None:
    torch.manual_seed(seed)
    plain = traced(lambda net, x: relu(net.two(relu(net.one(x)))) + net.one(x))
    for parameter in plain.parameters():
        parameter.mul_(scale)
    signs = torch.randint(0, 2, (8, 3, 6, 6)) * 2.0 - 1
    assert plain(signs * 1e6).abs().max() <= largest_value(plain) * (1 + 1e-5)


def test_the_bound_is_reached() -> None:
    """Weights of one sign, pixels of the largest size: nothing is given away."""
    plain = traced(lambda net, x: net.two(relu(net.one(x))))
    for parameter in plain.parameters():
        parameter.fill_(0.3)
    pixels = torch.full((1, 3, 9, 9), 1e6)
    assert float(plain(pixels).max()) == pytest.approx(largest_value(plain), rel=1e-4)
