"""A convolution of images gives torch's numbers, and torch's gradient by another way."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from rs_core.classifiers.fast_gradients import ThinConv2d, thin

PAIR = st.tuples(st.integers(1, 3), st.integers(1, 3))


def frozen(*args: object, **options: object) -> nn.Conv2d:
    torch.manual_seed(0)
    layer = nn.Conv2d(*args, **options).requires_grad_(False)  # type: ignore[arg-type]
    return layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 5), st.tuples(st.integers(1, 5), st.integers(1, 5)),
    PAIR, st.tuples(st.integers(0, 3), st.integers(0, 3)), PAIR,
    st.tuples(st.integers(3, 12), st.integers(3, 12)), st.booleans(), st.booleans(),
    st.sampled_from([torch.float32, torch.bfloat16]),
)  # fmt: skip
def test_answers_and_gradients_are_torchs(
    channels: int, width: int, kernel: tuple[int, int], stride: tuple[int, int],
    padding: tuple[int, int], dilation: tuple[int, int], size: tuple[int, int],
    bias: bool, last: bool, dtype: torch.dtype,
) -> None:  # fmt: skip
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    room = [n + 2 * p - span for n, p, span in zip(size, padding, spans, strict=True)]
    assume(min(room) >= 0)
    layer = frozen(channels, width, kernel, stride, padding, dilation, bias=bias).to(dtype)
    x = torch.randn(2, channels, *size, generator=torch.Generator().manual_seed(1)).to(dtype)
    x = x.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)
    x.requires_grad_(True)
    expected = layer(x)
    pull = torch.randn(expected.shape, generator=torch.Generator().manual_seed(2)).to(dtype)
    found = thin(layer)(x)
    assert type(layer) is ThinConv2d
    # torch itself answers now this, now that where a stride leaves a single place in a row.
    assert torch.equal(found, expected) or (stride[1] > 1 and room[1] < stride[1])
    (gradient,) = torch.autograd.grad(found, x, pull)
    assert gradient.dtype == dtype
    close = 1e-5 if dtype == torch.float32 else 0.01
    torch.testing.assert_close(gradient, exact(layer, x, pull), atol=close, rtol=close)


def exact(layer: nn.Conv2d, x: torch.Tensor, pull: torch.Tensor) -> torch.Tensor:
    """torch's gradient in double precision, which oneDNN has no part in."""
    double = x.detach().double().requires_grad_(True)
    plain = nn.Conv2d(
        layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding,
        layer.dilation, bias=layer.bias is not None, dtype=torch.float64,
    )  # fmt: skip
    plain.load_state_dict(layer.state_dict())
    (gradient,) = torch.autograd.grad(plain(double), double, pull.double())
    return gradient.to(x.dtype)


def test_strides_that_read_only_padding_give_no_gradient() -> None:
    layer = thin(frozen(1, 2, 1, stride=10, padding=3))
    x = torch.randn(1, 1, 2, 2).requires_grad_(True)
    (gradient,) = torch.autograd.grad(layer(x).sum(), x)
    assert torch.equal(gradient, torch.zeros_like(x))


def test_a_gradient_of_the_gradient_is_torchs() -> None:
    layer = frozen(2, 4, 3, padding=1)
    x = torch.randn(1, 2, 5, 5, generator=torch.Generator().manual_seed(0)).requires_grad_(True)

    def twice(convolution: nn.Module) -> torch.Tensor:
        (first,) = torch.autograd.grad(convolution(x).pow(3).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(first.pow(2).sum(), x)
        return second

    expected = twice(layer)
    torch.testing.assert_close(twice(thin(layer)), expected, rtol=1e-4, atol=1e-4)


def test_what_is_not_thin_stays_as_it_is() -> None:
    class Own(nn.Conv2d):
        pass

    layers = [
        nn.Conv2d(4, 4, 3), nn.Conv2d(3, 3, 3, groups=3), nn.Conv2d(1, 2, 3, padding="same"),
        nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"), Own(1, 2, 3),
    ]  # fmt: skip
    kinds = [type(layer) for layer in layers]
    network = thin(nn.Sequential(*layers))
    assert [type(layer) for layer in network] == kinds


@pytest.mark.parametrize("trained", [(), ("weight",), ("bias",), ("weight", "bias")])
def test_weights_that_learn_get_their_gradient(trained: tuple[str, ...]) -> None:
    layer = thin(nn.Conv2d(1, 2, 3))
    for name, parameter in layer.named_parameters():
        parameter.requires_grad_(name in trained)
    x = torch.rand(1, 1, 4, 4, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    for name, parameter in layer.named_parameters():
        assert (parameter.grad is not None) == (name in trained)


ODD = st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5]))


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 3), ODD, PAIR, st.tuples(st.integers(1, 8), st.integers(1, 8)),
    st.sampled_from([torch.float32, torch.bfloat16]),
)  # fmt: skip
def test_gradients_are_torchs_where_answers_are_as_large_as_the_image(
    channels: int, kernel: tuple[int, int], dilation: tuple[int, int], size: tuple[int, int],
    dtype: torch.dtype,
) -> None:  # fmt: skip
    padding = tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True))
    layer = frozen(channels, 4, kernel, 1, padding, dilation).to(dtype)
    x = torch.randn(4, channels, *size, generator=torch.Generator().manual_seed(1))
    x = x.to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_(True)
    expected = layer(x)
    pull = torch.randn(expected.shape, generator=torch.Generator().manual_seed(2)).to(dtype)
    close = 1e-5 if dtype == torch.float32 else 0.02
    wanted = exact(layer, x, pull)
    (gradient,) = torch.autograd.grad(thin(layer)(x), x, pull)
    torch.testing.assert_close(gradient, wanted, atol=close, rtol=close)
