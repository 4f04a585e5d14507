"""What MACER and SmoothAdv minimise, against their published code and against differences."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn import functional

from rs_core.attacks import perturb_ddn
from rs_core.attacks.gradients import gradient_of
from rs_core.attacks.objective import Objective
from rs_core.training import Adversarial, Consistency, Macer, SmoothAdv
from rs_core.training.data import Batch, augmented_batch, pixel_store
from rs_core.training.recipes import DualRSPicker
from rs_core.training.view import NormalizedNetwork

CLASSES = 3


def batch(copies: int, sigma: float = 0.3, count: int = 6) -> Batch:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 4, 4, 2), dtype=np.uint8)
    labels = np.arange(count) % CLASSES
    store = pixel_store(images, labels, (0.4, 0.5), (0.25, 0.2), torch.device("cpu"))
    generator = torch.Generator().manual_seed(1)
    plain = augmented_batch(store, torch.arange(count), "none", generator)
    return plain.with_noise(torch.full((count,), sigma), copies, generator)


class Small(nn.Module):
    """A smooth network of double precision, small enough for differences in every weight."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(32, 5), nn.Tanh(), nn.Linear(5, CLASSES)
        ).double()
        self.scale = scale

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.scale * self.layers(inputs.double())
        return logits


def view_of(module: nn.Module, of: Batch) -> NormalizedNetwork:
    return NormalizedNetwork(module, of.store.mean, of.store.std)


def differences(loss_of: object, values: Tensor, step: float = 1e-6) -> Tensor:
    """Central differences of a scalar function in every entry of `values`, changed in place."""
    flat, found = values.data.view(-1), torch.zeros(values.numel(), dtype=torch.float64)
    for index in range(values.numel()):
        kept = float(flat[index])
        ends = []
        for sign in (1, -1):
            flat[index] = kept + sign * step
            ends.append(float(loss_of()))  # type: ignore[operator]
        flat[index] = kept
        found[index] = (ends[0] - ends[1]) / (2 * step)
    return found.view(values.shape)


def published_macer(
    outputs: Tensor, targets: Tensor, sigma: float, lbd: float, beta: float, gamma: float
) -> Tensor:
    """Zhai et al. (2020), macer_train, written afresh from the published code."""
    scores = outputs.softmax(dim=2).mean(1)
    entropy = torch.nn.functional.nll_loss(torch.log(scores + 1e-10), targets, reduction="sum")
    best = torch.topk((outputs * beta).softmax(dim=2).mean(1), 2)
    right = best.indices[:, 0] == targets
    out0, out1 = best.values[right, 0], best.values[right, 1]
    normal = Normal(
        torch.zeros((), dtype=outputs.dtype), torch.ones((), dtype=outputs.dtype), False
    )
    loss = normal.icdf(out1) - normal.icdf(out0)
    near = ~torch.isnan(loss) & ~torch.isinf(loss) & (torch.abs(loss) <= gamma)
    out0, out1 = out0[near], out1[near]
    robust = (normal.icdf(out1) - normal.icdf(out0) + gamma).sum() * sigma / 2
    return (entropy + lbd * robust) / len(outputs)


@pytest.mark.parametrize("scale", [0.3, 3.0, 300.0])
@pytest.mark.parametrize("gamma", [8.0, 0.5])
def test_macer_is_the_published_loss(scale: float, gamma: float) -> None:
    logits = scale * torch.randn(
        40, 5, CLASSES, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    logits[0, :, 0] = 1e4  # a gap that is infinite
    labels = torch.arange(40) % CLASSES
    recipe = Macer(sigma=0.3, beta=16, gamma=gamma, noises=5, robust_weight=12)
    own_logits, their_logits = (logits.clone().requires_grad_(True) for _ in range(2))
    own = recipe.loss(own_logits, labels, torch.full((40,), 0.3), 12.0)
    theirs = published_macer(their_logits, labels, 0.3, 12.0, 16.0, gamma)
    assert own.item() == pytest.approx(theirs.item(), rel=1e-6)
    for loss in (own, theirs):
        torch.autograd.backward(loss)
    assert own_logits.grad is not None
    assert own_logits.grad.isfinite().all()
    assert torch.allclose(own_logits.grad, torch.nan_to_num(their_logits.grad), rtol=1e-5)


def published_consistency(logits: list[Tensor], lbd: float, eta: float) -> Tensor:
    """Jeong & Shin (2020), consistency_loss, written afresh from the published code."""
    softmax = [functional.softmax(one, dim=1) for one in logits]
    mean = sum(softmax) / len(logits)
    divergences = [
        functional.kl_div(functional.log_softmax(one, dim=1), mean, reduction="none").sum(1)
        for one in logits
    ]
    entropy = -(mean * mean.clamp(min=1e-20).log()).sum(1)
    return (lbd * sum(divergences) / len(logits) + eta * entropy).mean()


@pytest.mark.parametrize("scale", [0.3, 3.0, 30.0])
@pytest.mark.parametrize("copies", [2, 5])
def test_consistency_is_the_published_loss(scale: float, copies: int) -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = scale * torch.randn(40, copies, CLASSES, generator=generator, dtype=torch.float64)
    own_logits, their_logits = (drawn.clone().requires_grad_(True) for _ in range(2))
    recipe = Consistency(noises=copies, agreement=10.0, entropy_weight=0.5)
    own = recipe.disagreement(own_logits).mean()
    theirs = published_consistency(list(their_logits.unbind(dim=1)), 10.0, 0.5)
    assert own.item() == pytest.approx(theirs.item(), rel=1e-9)
    for loss in (own, theirs):
        torch.autograd.backward(loss)
    assert torch.allclose(own_logits.grad, their_logits.grad, rtol=1e-6, atol=1e-12)


def test_a_picker_learns_the_softmax_of_radii_and_agreement() -> None:
    """Sun et al. (2026): soft labels proportional to exp(radius / temperature), by hand."""
    noisy = batch(2)
    radii = np.random.default_rng(4).uniform(0, 1, (6, CLASSES)).astype(np.float32)
    store = dataclasses.replace(noisy.store, targets=torch.from_numpy(radii))
    noisy = dataclasses.replace(noisy, store=store)
    module = Small()
    view = view_of(module, noisy)
    recipe = DualRSPicker(
        sigma=0.3, sigmas=(0.1, 0.2, 0.3), noises=2, agreement=3.0, entropy_weight=0.5,
        temperature=0.25,
    )  # fmt: skip
    found, right = recipe.batch_loss(view, noisy, torch.Generator())
    logits = view(noisy.noisy_inputs(), noisy.sigmas).detach().view(6, 2, CLASSES)
    total = 0.0
    for i in range(6):
        weights = [math.exp(float(r) / 0.25) for r in radii[i]]
        for j in range(2):
            scores = functional.log_softmax(logits[i, j], dim=0)
            total -= sum(w * float(s) for w, s in zip(weights, scores, strict=True)) / sum(weights)
    expected = total / 12 + float(published_consistency(list(logits.unbind(1)), 3.0, 0.5))
    assert float(found) == pytest.approx(expected, rel=1e-6)
    assert float(right) == sum((logits.argmax(2) == noisy.labels[:, None]).float().mean(1))


def test_consistency_is_added_to_cross_entropy_and_has_the_gradient_of_differences() -> None:
    of, module = batch(copies=2), Small()
    network = view_of(module, of)
    recipe = Consistency(sigma=0.3, noises=2, agreement=4.0, entropy_weight=0.5)

    def loss() -> Tensor:
        return recipe.batch_loss(network, of, torch.Generator())[0]

    value = loss()
    torch.autograd.backward(value)
    logits = network(of.noisy_inputs(), of.sigmas.repeat_interleave(2))
    labels = of.labels.repeat_interleave(2)
    entropy = functional.cross_entropy(logits, labels).item()
    each = recipe.disagreement(logits.view(len(of), 2, -1))
    assert value.item() == pytest.approx(entropy + each.mean().item())
    assert (each > 0).all()
    for parameter in module.parameters():
        with torch.no_grad():
            found = differences(loss, parameter)
        assert torch.allclose(parameter.grad, found, atol=1e-7, rtol=1e-4)


def test_copies_that_agree_cost_their_entropy_alone() -> None:
    logits = torch.randn(8, 1, CLASSES, dtype=torch.float64).expand(-1, 3, -1)
    entropy = torch.distributions.Categorical(logits=logits[:, 0]).entropy()
    found = Consistency(noises=3, agreement=10.0, entropy_weight=0.5).disagreement(logits)
    assert torch.allclose(found, 0.5 * entropy)


def test_macers_gradient_is_that_of_finite_differences() -> None:
    of = batch(copies=4)
    recipe = Macer(sigma=0.3, beta=2.0, gamma=8.0, noises=4, robust_weight=6.0, deferral=0)
    module = Small()
    network = view_of(module, of)

    def loss() -> Tensor:
        return recipe.batch_loss(network, of, torch.Generator())[0]

    value = loss()
    torch.autograd.backward(value)
    plain = Macer(sigma=0.3, noises=4, robust_weight=0.0).batch_loss(network, of, torch.Generator())
    assert value.item() > plain[0].item() + 0.1  # the robust term takes part
    for parameter in module.parameters():
        with torch.no_grad():
            found = differences(loss, parameter)
        assert torch.allclose(parameter.grad, found, atol=1e-7, rtol=1e-4)


def test_smoothadvs_surrogate_has_the_gradient_of_finite_differences() -> None:
    of = batch(copies=5)
    forward = view_of(Small(), of).of_pixels(of.sigmas)
    noise = of.noise_planes().double()
    pixels = of.clean().double().contiguous()

    def logits_of(x: Tensor) -> Tensor:
        return forward((x[:, None] + noise).flatten(0, 1)).view(len(x), 5, -1)

    def surrogate() -> Tensor:  # -log of the mean softmax score
        scores = logits_of(pixels).softmax(dim=2).mean(dim=1)
        return -scores.gather(1, of.labels[:, None]).log().sum()

    goal = Objective(of.labels, expectation="probability")
    logits, slope = gradient_of(logits_of, goal, pixels)
    with torch.no_grad():
        value = goal.over_copies(goal.each(logits))
        assert value.sum().item() == pytest.approx(surrogate().item(), rel=1e-6)
        found = differences(surrogate, pixels)
    assert torch.allclose(slope, found, atol=1e-7, rtol=1e-4)


def test_smoothadvs_update_has_the_gradient_of_finite_differences() -> None:
    of = batch(copies=2)
    module = Small()
    network = view_of(module, of)
    recipe = SmoothAdv(sigma=0.3, steps=3, noises=2, eps=0.5, eps_warm_up=0)
    loss, right = recipe.batch_loss(network, of, torch.Generator().manual_seed(0))
    torch.autograd.backward(loss)
    assert 0 <= float(right) <= len(of)
    moved = recipe.attacked(network, of, torch.Generator().manual_seed(0))
    points = (moved[:, None] + of.noise_planes()).flatten(0, 1)
    labels = of.labels.repeat_interleave(2)

    def at_fixed_points() -> Tensor:  # the attack's points are constants of the update
        logits = network.of_pixels(of.sigmas)(points)
        return torch.nn.functional.cross_entropy(logits, labels)

    with torch.no_grad():
        assert loss.item() == pytest.approx(at_fixed_points().item(), rel=1e-9)
        still = SmoothAdv(sigma=0.3, steps=1, noises=2, eps=1e-9, eps_warm_up=0)
        assert loss.item() > still.batch_loss(network, of, torch.Generator())[0].item()
        for parameter in module.parameters():
            found = differences(at_fixed_points, parameter)
            assert torch.allclose(parameter.grad, found, atol=1e-7, rtol=1e-4)


def test_one_copy_is_learned_without_multi_noise_and_eps_warms_up() -> None:
    of = batch(copies=3)
    network = view_of(Small(), of)
    recipe = SmoothAdv(noises=3, steps=2, eps=0.8, eps_warm_up=4, multi_noise=False, batch_size=6)
    moved = recipe.attacked(network, of, torch.Generator().manual_seed(0))
    logits = network.of_pixels(of.sigmas)(moved + of.noise_planes()[:, 0])
    expected = torch.nn.functional.cross_entropy(logits, of.labels)
    found, _ = recipe.batch_loss(network, of, torch.Generator().manual_seed(0))
    assert found.item() == pytest.approx(expected.item(), rel=1e-9)
    assert recipe.images_per_step == 6
    assert SmoothAdv(noises=4, batch_size=256).images_per_step == 64
    assert [recipe.eps_in(e) for e in range(6)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 0.8, 0.8])


class Watched(nn.Module):
    """Notes its mode and its inputs; batch norm and dropout would make either matter."""

    def __init__(self) -> None:
        super().__init__()
        self.small = Small()
        self.seen: list[tuple[bool, bool, Tensor]] = []

    def forward(self, inputs: Tensor) -> Tensor:
        wants = next(self.parameters()).requires_grad
        self.seen.append((self.training, wants, inputs.detach()))
        logits: Tensor = self.small(inputs)
        return logits


@pytest.mark.parametrize("attack", ["pgd", "ddn"])
def test_attacks_run_in_evaluation_and_updates_in_training_on_the_same_noise(attack: str) -> None:
    of = batch(copies=2)
    module = Watched().train()
    network = view_of(module, of)
    recipe = SmoothAdv(attack=attack, steps=3, noises=2, eps=0.5, eps_warm_up=0)
    recipe.batch_loss(network, of, torch.Generator().manual_seed(0))
    assert [(training, wants) for training, wants, _ in module.seen] == [
        *[(False, False)] * 3,
        (True, True),
    ]
    first, last = module.seen[0][2], module.seen[-1][2]
    assert torch.allclose(first, of.noisy_inputs(), atol=1e-5)  # no random start
    shift = (last - first).reshape(len(of), 2, -1)  # the image moved, its noise stayed
    assert torch.allclose(shift[:, 0], shift[:, 1], atol=1e-4)
    length = (
        (shift[:, 0].reshape(len(of), 2, 4, 4) * of.store.std[:, None, None]).flatten(1).norm(dim=1)
    )
    assert (length <= 0.5 + 1e-5).all()
    assert module.training
    assert all(p.requires_grad for p in module.parameters())


def published_ddn(
    model: nn.Module, x: Tensor, y: Tensor, noise: Tensor, eps: float, steps: int
) -> Tensor:
    """Salman et al. (2019), DDN with noise, written afresh from the published code."""
    count, copies = noise.shape[:2]
    delta = torch.zeros_like(x, requires_grad=True)
    norm = torch.full((count,), eps)
    best_norm = torch.max(x, 1 - x).flatten(1).norm(dim=1)
    best = torch.zeros_like(x)
    for step in range(steps):
        length = delta.detach().flatten(1).norm(dim=1)
        logits = model((x + delta).repeat_interleave(copies, dim=0) + noise.flatten(0, 1))
        votes = torch.nn.functional.one_hot(logits.argmax(1), 4).view(count, copies, 4).sum(1)
        mine = votes.gather(1, y[:, None]).squeeze(1)
        scores = logits.softmax(1).view(count, copies, -1).mean(1).clamp_min(1e-20)
        loss = -torch.nn.functional.nll_loss(scores.log(), y, reduction="sum")
        # Published: mode(votes) != y, which breaks a tie by the number of the class; ours is lost.
        found = votes.scatter(1, y[:, None], -1).amax(1) > mine
        closer = found & (length < best_norm)
        best_norm = torch.where(closer, length, best_norm)
        best = torch.where(closer[:, None, None, None], delta.detach(), best)
        (gradient,) = torch.autograd.grad(loss, delta)
        gradient = gradient / gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        rate = 0.01 + 0.99 * (1 + math.cos(math.pi * step / steps)) / 2
        with torch.no_grad():
            delta -= rate * gradient
            norm = norm * (1 - (2 * found.float() - 1) * 0.05)
            delta *= (norm / delta.flatten(1).norm(dim=1)).view(-1, 1, 1, 1)
            delta += x
            delta.mul_(255).round_().div_(255).clamp_(0, 1).sub_(x)
    return x + best.renorm(p=2, dim=0, maxnorm=eps)


@pytest.mark.parametrize("eps", [0.25, 1.5])
def test_ddn_is_smoothadvs(eps: float) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 32), nn.Tanh(), nn.Linear(32, 4)).eval()
    nn.init.normal_(model[1].weight)  # near enough to its borders for eps .25
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (12, 3, 4, 4), generator=generator) / 255
    y = model(x).argmax(1)
    y[:3] = (y[:3] + 1) % 4  # the network is wrong about these already
    noise = 0.25 * torch.randn(12, 5, 3, 4, 4, generator=generator)
    own = perturb_ddn(
        model, x, y, eps=eps, steps=8, noise=noise, first_norm=eps,
        generator=torch.Generator().manual_seed(3),
    )  # fmt: skip
    expected = published_ddn(model, x, y, noise, eps, 8)
    torch.testing.assert_close(own, expected, atol=2e-5, rtol=0)
    moved = (own - x).flatten(1).norm(dim=1)
    assert (moved <= eps + 1e-5).all()
    assert ((moved == 0).any(), (moved > 0).any()) == (True, True)  # both cases were seen


def test_siams_loss_is_half_clean_half_attacked() -> None:
    of = batch(copies=1, sigma=0.0)
    network = view_of(Small(), of)

    def loss(share: float) -> float:
        recipe = Adversarial(eps=0.1, steps=3, clean_share=share)
        return float(recipe.batch_loss(network, of, torch.Generator().manual_seed(0))[0].detach())

    clean = torch.nn.functional.cross_entropy(network(of.noisy_inputs(), of.sigmas), of.labels)
    assert loss(1.0) == pytest.approx(clean.item(), rel=1e-6)
    assert loss(0.0) > clean.item() + 0.01
    assert loss(0.5) == pytest.approx((loss(0.0) + loss(1.0)) / 2, rel=1e-6)


@pytest.mark.parametrize("attack", ["pgd", "ddn"])
def test_each_images_radius_can_follow_its_sigma(attack: str) -> None:
    """eps_i = 2 sigma_i (Chen et al. 2021, appendix B.2), with eps's own warm-up."""
    of = batch(copies=2)
    of = dataclasses.replace(of, sigmas=torch.linspace(0.01, 0.2, len(of)).to(of.sigmas))
    network = view_of(Small(), of)
    recipe = SmoothAdv(attack=attack, steps=3, noises=2, eps=5.0, eps_per_sigma=2, eps_warm_up=0)
    moved = recipe.attacked(network, of, torch.Generator().manual_seed(0))
    length = (moved - of.clean()).flatten(1).norm(dim=1)
    assert (length <= 2 * of.sigmas + 1e-5).all()
    assert (length > 1.5 * of.sigmas).any()
    slow = dataclasses.replace(recipe, eps_warm_up=4)
    assert torch.equal(torch.as_tensor(slow.radii(of)), 0.5 * of.sigmas)
    assert dataclasses.replace(recipe, eps_per_sigma=0).radii(of) == 5.0
