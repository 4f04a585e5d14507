"""A pool before its ReLU gives the same numbers, forwards and backwards."""

import operator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, fx, nn
from torch.nn.functional import relu

from rs_core.classifiers.fast_gradients import pooling_first


def identity() -> nn.Conv2d:
    """A layer whose answer is a tensor of its own; infinity stays what it is."""
    layer = nn.Conv2d(2, 2, 1, groups=2, bias=False)
    layer.weight.requires_grad_(False).fill_(1)
    return layer


class Functional(nn.Module):
    def __init__(self, pool: nn.Module) -> None:
        super().__init__()
        self.convolution, self.pool, self.second = identity(), pool, identity()

    def forward(self, inputs: Tensor) -> Tensor:
        pooled: Tensor = self.pool(relu(self.convolution(inputs)))
        return self.second(pooled) + pooled


class Between(Functional):
    """Somebody looks between ReLU and pool."""

    def forward(self, inputs: Tensor) -> Tensor:
        active = relu(self.convolution(inputs))
        pooled: Tensor = self.pool(active)
        return self.second(pooled).sum() + active.sum()


class Overwritten(nn.Module):
    """Somebody looks at what the ReLU overwrites."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.relu, self.pool = identity(), nn.ReLU(True), nn.MaxPool2d(2)
        self.second = identity()

    def forward(self, inputs: Tensor) -> Tensor:
        moved = self.convolution(inputs)
        pooled: Tensor = self.pool(self.relu(moved))
        return self.second(pooled).sum() + moved.sum()


class Seen(Overwritten):
    """Somebody looks at it under another name."""

    def forward(self, inputs: Tensor) -> Tensor:
        moved = self.convolution(inputs)
        pooled: Tensor = self.pool(self.relu(moved[:, :]))
        return self.second(pooled).sum() + moved.sum()


class Dropped(Overwritten):
    """The same, by a layer that does nothing in evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout()

    def forward(self, inputs: Tensor) -> Tensor:
        moved = self.convolution(inputs)
        pooled: Tensor = self.pool(self.relu(self.dropout(moved)))
        return self.second(pooled).sum() + moved.sum()


class Changed(Functional):
    """Somebody changes what the pool says, and so what a ReLU's gradient would need."""

    def forward(self, inputs: Tensor) -> Tensor:
        pooled: Tensor = self.pool(relu(self.convolution(inputs)))
        return pooled.mul_(0.5)


class Keyword(Functional):
    """A pool that is called by keyword."""

    def forward(self, inputs: Tensor) -> Tensor:
        pooled: Tensor = self.pool(input=relu(self.convolution(inputs)))
        return pooled


class Switched(Functional):
    """Something happens between ReLU and pool."""

    def forward(self, inputs: Tensor) -> Tensor:
        active = relu(self.convolution(inputs))
        inputs.sum()
        pooled: Tensor = self.pool(active)
        return pooled


class Beside(Functional):
    """The ReLU before the pool is that of something else."""

    def forward(self, inputs: Tensor) -> Tensor:
        active = relu(self.convolution(inputs))
        other = relu(self.second(inputs))
        pooled: Tensor = self.second(self.pool(active))
        return pooled.sum() + other.sum()


class Another(nn.Sequential):
    """A layer that is not itself."""

    def __init__(self, which: int) -> None:
        super().__init__(identity(), nn.ReLU(), nn.MaxPool2d(2), identity())
        self[which].forward = lambda inputs: inputs[..., ::2, ::2]  # type: ignore[method-assign]


class Heard(nn.Sequential):
    """Somebody listens to the ReLU."""

    def __init__(self) -> None:
        super().__init__(identity(), nn.ReLU(), nn.MaxPool2d(2), identity())
        self[1].register_forward_hook(lambda part, given, said: said + given[0].sum())


def order(network: nn.Module) -> list[str]:
    assert isinstance(network, fx.GraphModule)
    return [node.name for node in network.graph.nodes if node.op not in ("placeholder", "output")]


def answers(network: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    points = x.clone().requires_grad_(True)
    said = network(points)
    weights = torch.arange(1.0, said.numel() + 1).view(said.shape).to(x.dtype)
    (gradient,) = torch.autograd.grad(said, points, weights)
    return said.detach(), gradient


@settings(max_examples=200, deadline=None)
@given(
    st.data(), st.integers(1, 3), st.integers(1, 3), st.booleans(), st.booleans(),
    st.sampled_from([torch.float32, torch.bfloat16]),
)  # fmt: skip
def test_both_orders_agree_exactly(
    data: st.DataObject, kernel: int, stride: int, inplace: bool, module: bool, dtype: torch.dtype
) -> None:
    padding = data.draw(st.integers(0, kernel // 2))
    # Few values: ties, and windows without anything positive, are what could go wrong.
    few = st.sampled_from(
        [-2.0, -1.0, -0.0, 0.0, 1.0, 2.0, float("inf"), -float("inf"), float("nan")]
    )
    values = data.draw(st.lists(few, min_size=2 * 5 * 6, max_size=2 * 5 * 6))
    x = torch.tensor(values, dtype=dtype).view(1, 2, 5, 6)
    pool = nn.MaxPool2d(kernel, stride, padding)
    plain: nn.Module = (
        nn.Sequential(identity(), nn.ReLU(inplace), pool, identity())
        if module
        else Functional(pool)
    ).to(dtype)
    exchanged = pooling_first(fx.symbolic_trace(plain))
    assert order(exchanged)[:2] == (["_0", "_2"] if module else ["convolution", "pool"])
    for found, expected in zip(answers(exchanged, x), answers(plain, x), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(
    "network",
    [
        Between(nn.MaxPool2d(2)), Overwritten(), Seen(), Dropped(), Changed(nn.MaxPool2d(2)),
        Keyword(nn.MaxPool2d(2)), Switched(nn.MaxPool2d(2)), Beside(nn.MaxPool2d(2)), Another(1),
        Another(2), Another(3), Heard(), Functional(nn.AvgPool2d(2)),
        Functional(nn.MaxPool2d(2, dilation=2)), Functional(nn.MaxPool2d(3, ceil_mode=True)),
    ],
)  # fmt: skip
def test_what_would_differ_stays_as_it_is(network: nn.Module) -> None:
    traced = fx.symbolic_trace(network)
    before = order(traced)
    assert order(pooling_first(traced)) == before


def test_a_sum_in_place_changes_its_first_part_only() -> None:
    for first, exchanged in ((True, False), (False, True)):
        traced = fx.symbolic_trace(Functional(nn.MaxPool2d(2)))
        before = order(traced)
        (total,) = (node for node in traced.graph.nodes if node.name == "add")
        second, pooled = total.args
        total.target, total.args = operator.iadd, (pooled, second) if first else (second, pooled)
        assert (order(pooling_first(traced)) != before) == exchanged


def test_a_hook_on_all_networks_leaves_them_as_they_are() -> None:
    traced = fx.symbolic_trace(Functional(nn.MaxPool2d(2)))
    before = order(traced)
    hook = nn.modules.module.register_module_forward_hook(lambda part, given, said: said)
    try:
        assert order(pooling_first(traced)) == before
    finally:
        hook.remove()
    assert order(pooling_first(traced)) != before


def test_what_is_not_traced_stays_as_it_is() -> None:
    network = nn.Sequential(nn.ReLU(), nn.MaxPool2d(2))
    assert pooling_first(network) is network
    assert [type(part) for part in network] == [nn.ReLU, nn.MaxPool2d]
