"""Alfarra et al. (2022), Algorithms 1 and 2."""

from dataclasses import replace

import pytest
import torch
from scipy.stats import norm

from rs_core.errors import ParameterError
from rs_core.training.per_image import DataDependent
from tests.training.per_image.conftest import Small, seeded

N, STEP = 4, 0.01


def radius(small: Small, image: int, sigma: float, z: torch.Tensor) -> float:
    """sigma/2 (PhiInv(E_A) - PhiInv(E_B)) of one image on given draws, in float64."""
    copies = small.pixels[image].double() + sigma * z.double()
    logits = (copies.flatten(1) - 0.5) @ small.network.module.weight.detach().double().T
    first, second = logits.softmax(1).mean(0).clamp(0.001, 0.999).topk(2).values.tolist()
    return sigma / 2 * float(norm.ppf(first) - norm.ppf(second))


def test_a_step_goes_up_the_soft_radius(small: Small) -> None:
    """The slope is a difference quotient's, the draws those of the step."""
    how = DataDependent(n=N, step_size=STEP)
    start = torch.linspace(0.2, 0.4, 24)
    z = torch.randn(24, N, 1, 2, 2, generator=seeded(5))
    moved = how.assigned(small.network, small.batch, start, 0.3, seeded(5))
    h, moves = 1e-5, 0
    for image, at in enumerate(start.tolist()):
        ends = [radius(small, image, at + d, z[image]) for d in (h, -h)]
        expected = min(max(at + STEP * (ends[0] - ends[1]) / (2 * h), 0.15), 0.6)
        assert moved[image].item() == pytest.approx(expected, abs=2e-5)
        moves += abs(expected - at) > 1e-3
    assert moves > 12


def test_under_uniform_noise_a_step_goes_up_the_l1_radius(small: Small) -> None:
    """lambda (E_A - E_B), noise uniform on [-lambda, lambda]."""
    batch = replace(small.batch, distribution="uniform")
    start = torch.linspace(0.2, 0.4, 24)
    z = 2 * torch.rand(24, N, 1, 2, 2, generator=seeded(5)) - 1
    moved = DataDependent(n=N, step_size=STEP).assigned(small.network, batch, start, 0.3, seeded(5))

    def l1(image: int, sigma: float) -> float:
        copies = small.pixels[image].double() + sigma * z[image].double()
        logits = (copies.flatten(1) - 0.5) @ small.network.module.weight.detach().double().T
        first, second = logits.softmax(1).mean(0).topk(2).values.tolist()
        return sigma * float(first - second)

    h = 1e-5
    for image, at in enumerate(start.tolist()):
        slope = (l1(image, at + h) - l1(image, at - h)) / (2 * h)
        assert moved[image].item() == pytest.approx(
            min(max(at + STEP * slope, 0.15), 0.6), abs=2e-5
        )


def test_k_steps_are_k_times_one_step(small: Small) -> None:
    start, generator = torch.full((24,), 0.3), seeded(5)
    one = DataDependent(n=N, step_size=STEP)
    twice = one.assigned(small.network, small.batch, start, 0.3, generator)
    twice = one.assigned(small.network, small.batch, twice, 0.3, generator)
    two = DataDependent(n=N, step_size=STEP, steps=2)
    assert torch.equal(two.assigned(small.network, small.batch, start, 0.3, seeded(5)), twice)


def test_where_both_scores_are_clamped_sigma_rises_whatever_the_image(small: Small) -> None:
    """As published, by step times PhiInv(.98): 2e-4 a step, .03 in 150 epochs."""
    with torch.no_grad():
        small.network.module.weight *= 1e6
    how = DataDependent(paper=True, step_size=1e-4)
    moved = how.assigned(small.network, small.batch, torch.full((24,), 0.01), 0.01, seeded(0))
    drift = 1e-4 * float(norm.ppf(0.98))
    assert torch.allclose(moved - 0.01, torch.tensor(drift), rtol=1e-3)
    assert 150 * drift == pytest.approx(0.0308, abs=1e-4)


def test_no_parameter_gets_a_gradient_and_none_is_changed(small: Small) -> None:
    before = small.network.module.weight.detach().clone()
    with small.network.frozen():
        DataDependent(n=N).assigned(
            small.network, small.batch, torch.full((24,), 0.3), 0.3, seeded(0)
        )
    assert small.network.module.weight.grad is None
    assert torch.equal(small.network.module.weight, before)


def test_the_first_epochs_are_fixed() -> None:
    how = DataDependent(fixed_epochs=50)
    assert [how.assigns(epoch, 200) for epoch in (0, 49, 50, 199)] == [
        "nothing", "nothing", "batch", "batch",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"fixed_epochs": 8}, "leaves none of 8 epochs"),
        ({"sigma_min": 0.6}, "sigma=0.5 lies outside sigma_min=0.6"),
        ({"sigma_min": 2.0, "sigma_max": 1.0}, "from 2 to 1"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        DataDependent(**settings).check(0.5, 8)  # type: ignore[arg-type]
