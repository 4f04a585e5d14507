import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from rs_core.training.optimiser import WeightAverage, make_optimiser, rate_at


@given(total=st.integers(1, 5000), peak=st.floats(1e-4, 10))
def test_one_cycle_rises_then_falls(total: int, peak: float) -> None:
    rates = [rate_at(step, total, peak, "one-cycle") for step in range(total)]
    top = rates.index(max(rates))
    assert rates == sorted(rates[:top]) + sorted(rates[top:], reverse=True)
    assert all(0 < rate <= peak * (1 + 1e-12) for rate in rates)
    assert top <= 0.15 * total + 1


def test_schedules_at_known_steps() -> None:
    assert rate_at(0, 1000, 0.1, "one-cycle") == pytest.approx(0.004)
    assert rate_at(75, 1000, 0.1, "one-cycle") == pytest.approx(0.052)
    assert rate_at(150, 1000, 0.1, "one-cycle") == pytest.approx(0.1)
    assert rate_at(575, 1000, 0.1, "one-cycle") == pytest.approx(0.05)
    assert rate_at(999, 1000, 0.1, "one-cycle") < 1e-5
    assert rate_at(500, 1000, 0.1, "cosine") == pytest.approx(0.05)
    assert rate_at(250, 1000, 0.1, "cosine") == pytest.approx(0.05 * (1 + math.sqrt(0.5)))
    assert {rate_at(step, 1000, 0.1, "constant") for step in range(1000)} == {0.1}


def test_only_kernels_and_matrices_decay() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 3))
    optimiser = make_optimiser(network, learning_rate=0.1, momentum=0.9, weight_decay=0.01)
    decay = {id(p): g["weight_decay"] for g in optimiser.param_groups for p in g["params"]}
    for parameter in network.parameters():
        assert decay[id(parameter)] == (0.01 if parameter.ndim > 1 else 0.0)


def test_zero_momentum_is_allowed() -> None:
    optimiser = make_optimiser(nn.Linear(1, 1), learning_rate=1.0, momentum=0, weight_decay=0)
    assert {group["nesterov"] for group in optimiser.param_groups} == {False}


def test_decay_zero_follows_exactly() -> None:
    network = nn.BatchNorm1d(3)
    average = WeightAverage(network, 0.0)
    network(torch.rand(8, 3))
    average.update(0)
    for mine, theirs in zip(
        average.network.state_dict().values(), network.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, theirs)


def test_the_average_has_its_closed_form() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 0.0)
    average = WeightAverage(network, 0.9)
    expected = 0.0
    for step in range(300):
        nn.init.constant_(network.weight, float(step))
        average.update(step)
        keep = min(0.9, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * step
    assert average.network.weight.item() == pytest.approx(expected, rel=1e-5)
    assert expected == pytest.approx(299 - 9, rel=1e-6)  # a ramp lags by keep / (1 - keep) steps


def test_the_average_takes_no_gradients_and_stays_in_eval() -> None:
    network = nn.Linear(2, 2).train()
    average = WeightAverage(network, 0.5)
    assert not average.network.training
    assert not any(p.requires_grad for p in average.network.parameters())
    assert all(p.requires_grad for p in network.parameters())


def test_step_falls_at_its_drops_and_any_schedule_warms_up() -> None:
    step = [rate_at(s, 100, 0.1, "step", drops=[30, 60], factor=0.1) for s in range(100)]
    assert step[29:31] == pytest.approx([0.1, 0.01])
    assert step[59:61] == pytest.approx([0.01, 0.001])
    for schedule in ("step", "cosine", "constant", "one-cycle"):
        plain, warm = (
            [rate_at(s, 100, 0.1, schedule, warm_up=w, drops=[30]) for s in range(100)]
            for w in (0.0, 10.0)
        )
        assert warm[:10] == pytest.approx([r * (s + 1) / 10 for s, r in enumerate(plain[:10])])
        assert warm[10:] == plain[10:]


def test_papers_decay_everything_and_adamw_has_its_first_beta() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    plain = make_optimiser(
        network, learning_rate=0.1, momentum=0.9, weight_decay=0.01, nesterov=False, decay_all=True
    )
    assert {group["weight_decay"] for group in plain.param_groups} == {0.01}
    assert {group["nesterov"] for group in plain.param_groups} == {False}
    adamw = make_optimiser(
        network, learning_rate=0.1, momentum=0.8, weight_decay=0.01, kind="adamw"
    )
    assert isinstance(adamw, torch.optim.AdamW)
    assert {group["betas"][0] for group in adamw.param_groups} == {0.8}
