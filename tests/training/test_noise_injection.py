"""SIAM's training of networks with noise of their own, against its equations."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from rs_core.attacks.norms import Ball
from rs_core.datasets import Dataset
from rs_core.events import drain
from rs_core.models import build_network
from rs_core.models.injected_noise import fixed_chance
from rs_core.results import ModelSpec
from rs_core.training import PRESETS, RECIPES, Adversarial, NoiseInjection, Trained
from rs_core.training.data import Batch
from rs_core.training.view import NormalizedNetwork
from tests.training.test_losses import batch, view_of

CPU = torch.device("cpu")
EPS, STEPS = 0.1, 3


class Injected(nn.Module):
    """A small network whose weights are noisy, in double precision: signs have no ties."""

    injects_noise = True

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        options = {"widths": [4, 4, 4, 8]}
        self.network = build_network("conv4-cpni", (2, 4, 4), 3, options).double()

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.network(inputs.double())
        return logits


def entropies(logits: Tensor, labels: Tensor) -> Tensor:
    return functional.cross_entropy(logits, labels, reduction="none")


def transcribed_epgd(
    network: NormalizedNetwork, of: Batch, generator: torch.Generator, over_losses: bool
) -> Tensor:
    """PGD of k steps of eps/4 in the sup norm: signs of the mean of the copies' gradients.

    Args:
        over_losses: else the gradient is that of the cross-entropy of the copies' mean logits.
    """
    clean, noise, m = of.clean(), of.noise_planes(), of.copies
    forward = network.of_pixels(of.sigmas)
    torch.empty_like(clean).normal_(generator=generator)  # kicks, where the gradient is 0
    radius = torch.full((len(of),), EPS)
    u = torch.empty_like(radius).uniform_(generator=generator)
    z = torch.empty_like(clean).normal_(generator=generator)
    point = Ball(clean, radius, "linf", rounds=0).scattered(z, u)
    for _ in range(STEPS):
        copies = (point[:, None] + noise).flatten(0, 1).detach().requires_grad_(True)
        logits = forward(copies)
        if over_losses:
            losses = entropies(logits, of.labels.repeat_interleave(m))
        else:
            losses = entropies(logits.view(len(of), m, -1).mean(1), of.labels)
        (each,) = torch.autograd.grad(losses.sum(), copies)
        gradient = each.view(len(of), m, *clean.shape[1:]).mean(1)
        point = point + EPS / 4 * gradient.sign()
        point = torch.minimum(torch.maximum(point, clean - EPS), clean + EPS).clamp(0, 1)
    return point


@pytest.mark.parametrize("copies", [1, 8])
def test_the_loss_is_half_clean_half_attacked_with_the_networks_noise(copies: int) -> None:
    """eq. 6 at w = .5, at the points of eq. 2 and section 4.2; every pass has fresh noise."""
    of = batch(copies, sigma=0.05)
    recipe = NoiseInjection(eps=EPS, steps=STEPS, sigma=0.05, noises=copies)
    network = view_of(Injected().train(), of)
    with fixed_chance(1, CPU):
        found, _ = recipe.batch_loss(network, of, torch.Generator().manual_seed(7))
    module = Injected().eval()  # the other one's batch norm has learned meanwhile
    network = view_of(module, of)
    with fixed_chance(1, CPU):
        moved = transcribed_epgd(network, of, torch.Generator().manual_seed(7), True)
        module.train()
        labels = of.labels.repeat_interleave(copies)
        points = (moved[:, None] + of.noise_planes()).flatten(0, 1)
        attacked = entropies(network.of_pixels(of.sigmas)(points), labels).mean()
        each = of.sigmas.repeat_interleave(copies)
        plain = entropies(network(of.noisy_inputs(), each), labels).mean()
    assert found.item() == pytest.approx(0.5 * plain.item() + 0.5 * attacked.item(), rel=1e-5)
    assert abs(plain.item() - attacked.item()) > 1e-3 * plain.item()


def test_epgd_averages_gradients_and_no_logits() -> None:
    of = batch(copies=8, sigma=0.05)
    network = view_of(Injected().eval(), of)
    recipe = NoiseInjection(eps=EPS, steps=STEPS, sigma=0.05, noises=8)
    with fixed_chance(1, CPU):
        found = recipe.attacked(network, of, torch.Generator().manual_seed(7))
    points = []
    for over_losses in (True, False):
        with fixed_chance(1, CPU):
            chance = torch.Generator().manual_seed(7)
            points.append(transcribed_epgd(network, of, chance, over_losses))
    torch.testing.assert_close(found, points[0], atol=1e-5, rtol=0)
    assert (found - points[1]).abs().max() > EPS / 4  # some signs differ


def test_gauss_attacks_a_share_of_the_images_under_noise() -> None:
    """eq. 22: x + eta, eta = sigma z + B delta, B ~ Ber(q) for every image by itself."""
    count = 400
    of = batch(copies=1, sigma=0.06, count=count)
    network = view_of(Injected().eval(), of)
    recipe = NoiseInjection(eps=EPS, steps=1, sigma=0.06, clean_share=0, attacked_share=0.2)
    always = dataclasses.replace(recipe, attacked_share=1.0)
    with fixed_chance(1, CPU):
        every = Adversarial.attacked(always, network, of, torch.Generator().manual_seed(7))
    with fixed_chance(1, CPU):
        found = recipe.attacked(network, of, torch.Generator().manual_seed(7))
    own = (found != of.clean()).flatten(1).any(1)
    assert torch.equal(found[own], every[own])
    assert abs(own.sum().item() - 0.2 * count) < 5 * (count * 0.2 * 0.8) ** 0.5
    with fixed_chance(1, CPU):
        loss, _ = recipe.batch_loss(network, of, torch.Generator().manual_seed(7))
    with fixed_chance(1, CPU):
        again = recipe.attacked(network, of, torch.Generator().manual_seed(7))
        logits = network.of_pixels(of.sigmas)(again + of.noise_planes()[:, 0])
    assert loss.item() == pytest.approx(entropies(logits, of.labels).mean().item(), rel=1e-6)


def noisy_spec(tiny: ModelSpec, **options: Any) -> ModelSpec:
    return dataclasses.replace(
        tiny, architecture="conv4-cpni", options={**tiny.options, "rank": 2, **options}
    )


def same(first: Trained, second: Trained) -> bool:
    theirs = second.module.state_dict()
    return all(torch.equal(a, theirs[k]) for k, a in first.module.state_dict().items())


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("noise_injection", {"steps": 2, "noises": 2, "attacked_share": 0.5}),
        ("gaussian", {}),
        ("gaussian", {"per_image": {"name": "insta", "period": 1, "n": 4}}),
        ("gaussian", {"per_image": {"name": "pretrain_finetune", "n": 4}}),
    ],
)
def test_networks_with_noise_of_their_own_go_on_bit_for_bit(
    name: str, more: dict[str, Any], toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    recipe = RECIPES[name](sigma=0.2, batch_size=24, epochs=3, precision="fp32", **more)
    few, spec = toy.subset(range(96)), noisy_spec(tiny, noise="both")
    state = torch.random.get_rng_state()
    straight = drain(recipe.run(spec, few, seed=0))
    assert torch.equal(state, torch.random.get_rng_state())
    for event in recipe.run(spec, few, seed=0, checkpoint=tmp_path):
        if event.done == 6:
            break
    torch.manual_seed(99)  # nobody puts the process's generators back
    assert same(straight, drain(recipe.run(spec, few, seed=0, checkpoint=tmp_path, resume=True)))
    assert not same(straight, drain(recipe.run(spec, few, seed=1)))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_noise_strengths_are_learned(precision: str, toy: Dataset, tiny: ModelSpec) -> None:
    recipe = NoiseInjection(
        eps=0.05, steps=2, epochs=12, batch_size=24, precision=precision, weight_average=0.0, clip=1
    )
    trained = drain(recipe.run(noisy_spec(tiny), toy, seed=1))
    weights = trained.module.state_dict()
    factor = weights["features.0.0.weight_noise.alpha_f"]
    assert not torch.allclose(factor[:, 0], factor[:, 1], atol=1e-4)  # both were .01
    assert (weights["features.0.0.weight_noise.alpha_d"] != 0.25**2).any()
    assert weights["head.weight_noise.alpha"].item() != 0.25
    assert trained.history[-1].clean_accuracy > 0.9
    assert trained.spec.options["rank"] == 2


def test_the_noise_of_a_step_is_its_own(toy: Dataset, tiny: ModelSpec) -> None:
    """Two steps of one generator have different noise; a generator put back has the same."""
    torch.manual_seed(0)
    module = build_network("conv4-cpni", (1, 8, 8), 2, noisy_spec(tiny).options).eval()
    of = batch(copies=1)
    network = NormalizedNetwork(module, torch.zeros(1), torch.ones(1))
    inputs, generator = torch.rand(3, 1, 8, 8), torch.Generator().manual_seed(3)

    def answer() -> Tensor:
        with network.own_noise(generator), torch.no_grad():
            return network(inputs, of.sigmas[:3])

    kept = generator.get_state()
    first, second = answer(), answer()
    assert not torch.allclose(first, second)
    generator.set_state(kept)
    assert torch.equal(answer(), first)
    plain = NormalizedNetwork(nn.Identity(), torch.zeros(1), torch.ones(1))
    kept = generator.get_state()
    with plain.own_noise(generator):
        pass
    assert torch.equal(generator.get_state(), kept)  # other trainings draw what they drew


def test_the_papers_settings() -> None:
    base = PRESETS["siam-cpni-cifar10"].recipe
    assert isinstance(base, NoiseInjection)
    assert (base.eps, base.steps, base.step_share, base.clean_share) == (8 / 255, 7, 0.25, 0.5)
    assert (base.norm, base.clip, base.sigma, base.noises) == ("linf", 0.05, 0, 1)
    assert (base.epochs, base.drops, base.batch_size, base.learning_rate) == (
        400, (200, 300), 256, 0.1,
    )  # fmt: skip
    assert (base.nesterov, base.weight_decay, base.decay_all) == (True, 1e-4, True)
    epgd, gauss = PRESETS["siam-epgd-cifar10"].recipe, PRESETS["siam-gauss-cifar10"].recipe
    assert isinstance(epgd, NoiseInjection)
    assert isinstance(gauss, NoiseInjection)
    assert (epgd.noises, epgd.attacked_share, epgd.epochs) == (8, 1, 200)
    assert (gauss.noises, gauss.attacked_share, gauss.clean_share) == (1, 0.5, 0)
    std = PRESETS["siam-gauss-cifar10"].std
    assert gauss.sigma == pytest.approx(0.24 * sum(std) / 3, abs=5e-4)  # theirs is normalised
