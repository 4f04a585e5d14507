"""The training step's attack is SmoothAdv's, and the attacks' own loop."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import nll_loss

from rs_core.attacks import perturb


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 32), nn.Tanh(), nn.Linear(32, 4)).eval()


def published(
    model: nn.Module, x: Tensor, y: Tensor, noise: Tensor, eps: float, steps: int
) -> Tensor:
    """Salman et al. (2019), PGD_L2 with multi-noise, written afresh from the published code."""
    delta = torch.zeros_like(x, requires_grad=True)
    optimiser = torch.optim.SGD([delta], lr=eps / steps * 2)
    copies = noise.shape[1]
    for _ in range(steps):
        points = (x + delta).repeat_interleave(copies, dim=0) + noise.flatten(0, 1)
        scores = model(points).softmax(dim=1).view(len(x), copies, -1).mean(dim=1)
        loss = -nll_loss(scores.clamp_min(1e-20).log(), y, reduction="sum")
        optimiser.zero_grad()
        loss.backward()
        delta.grad.div_(delta.grad.flatten(1).norm(dim=1).view(-1, 1, 1, 1))
        optimiser.step()
        delta.data.add_(x).clamp_(0, 1).sub_(x)
        delta.data.renorm_(p=2, dim=0, maxnorm=eps)
    return (x + delta).detach()


def batch() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(6, 3, 4, 4, generator=generator)
    noise = 0.25 * torch.randn(6, 5, 3, 4, 4, generator=generator)
    return x, torch.arange(6) % 4, noise


@pytest.mark.parametrize("steps", [2, 10])
@pytest.mark.parametrize("eps", [0.25, 1.0])
def test_the_defaults_are_smoothadv(steps: int, eps: float) -> None:
    model = network()
    x, y, noise = batch()
    own = perturb(
        model, x, y, eps=eps, steps=steps, noise=noise, generator=torch.Generator().manual_seed(3)
    )
    expected = published(model, x, y, noise, eps, steps)
    torch.testing.assert_close(own, expected, atol=1e-4, rtol=0)
    assert all(p.grad is not None for p in model.parameters())  # the published loop fills them


def test_parameters_get_no_gradient_and_chance_is_given() -> None:
    model = network()
    x, y, _ = batch()
    torch.manual_seed(7)
    before = torch.get_rng_state()
    kept = x.clone()
    runs = [
        perturb(
            model, x, y, eps=8 / 255, steps=3, norm="linf", random_start=True, step_size=2 / 255,
            expectation="loss", generator=torch.Generator().manual_seed(seed),
        )
        for seed in (0, 0, 1)
    ]  # fmt: skip
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(x, kept)
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
    assert (runs[0] - x).abs().max() <= 8 / 255 + 6e-8
    assert not runs[0].requires_grad


def test_an_eps_of_0_moves_nothing_and_each_image_has_its_own() -> None:
    x, y, noise = batch()
    eps = torch.tensor([0.0, 0.1, 0.2, 0.3, 0.0, 0.5])
    moved = perturb(
        network(), x, y, eps=eps, steps=4, noise=noise, generator=torch.Generator().manual_seed(0)
    )
    length = (moved - x).flatten(1).norm(dim=1)
    assert (length <= eps + 1e-6).all()
    assert (length[eps > 0] > 0.5 * eps[eps > 0]).all()
