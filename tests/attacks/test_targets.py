"""What is attacked: through a selector, around one, and networks that resist being attacked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rs_core.attacks import ATTACKS
from rs_core.attacks.gradients import objective_gradient
from rs_core.attacks.objective import Objective
from rs_core.attacks.targets import ASCEND, Differentiable, Smoothed
from rs_core.classifiers import Classifier
from rs_core.errors import ModelFileError, ParameterError
from rs_core.events import Finished, Step, Stream, drain
from rs_core.images import ImageInput, image_from_array
from rs_core.results import Selection
from rs_core.selectors import SELECTORS, FromNetwork, Selector
from tests.conftest import MakeLinear, spec_of

SHAPE = (1, 8, 8)


class Shell(nn.Module):
    """Class 1 inside a ball around the image, so noise decides: more of it leaves the ball."""

    def __init__(self, centre: Tensor, radius: float) -> None:
        super().__init__()
        self.register_buffer("centre", centre)
        self.radius = radius

    def forward(self, x: Tensor) -> Tensor:
        score = self.radius - (x - self.centre).flatten(1).norm(dim=1)
        return torch.stack([-score, score], dim=1)


@dataclass(frozen=True, kw_only=True)
class Brightness(Selector):
    """sigma is the mean brightness: no gradient is offered. Remembers what it was asked."""

    name: ClassVar[str] = "brightness"

    def run(
        self,
        classifier: Classifier,
        images: Sequence[ImageInput],
        *,
        seed: int,
        batch_size: int = 1,
    ) -> Stream[tuple[Selection, ...]]:
        yield Step(done=1, total=1)
        yield Finished(
            tuple(Selection("brightness", 0.05 + float(i.pixels.mean()) / 2, (), 0) for i in images)
        )


def grey(level: int = 102) -> ImageInput:
    return image_from_array(np.full((8, 8, 1), level, np.uint8), spec_of(SHAPE, 2), label=1)


def test_the_gradient_goes_through_the_selector_network() -> None:
    """Against central differences of the same noise, in sigma as in the pixels."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 3))
    classifier = Classifier(net, spec_of(SHAPE, 3))
    picker = FromNetwork(network=lambda x: 0.1 + x.square().mean(dim=(1, 2, 3)))
    target = Differentiable(classifier, [5], picker, draws=16)
    objective = Objective(torch.tensor([1]))
    point = torch.rand(1, *SHAPE, generator=torch.Generator().manual_seed(1))
    found = objective_gradient(target, objective, point, 0)
    direction = torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(2))
    step = 1e-2
    ahead, behind = (
        objective_gradient(target, objective, point + s * direction, 0).outputs.value
        for s in (step, -step)
    )
    numeric = float(ahead - behind) / (2 * step)
    assert float((found.gradient * direction).sum()) == pytest.approx(numeric, rel=2e-2)


def brightness(pixels: Tensor) -> Tensor:
    return 0.1 + pixels.mean(dim=(1, 2, 3)) / 2


@pytest.mark.parametrize("through", [False, True])
def test_the_gradient_is_that_of_every_copy_by_itself(network: Classifier, through: bool) -> None:
    seeds, draws, images, copies = [5, 6], 8, range(2), range(8)
    target = Smoothed(network, seeds, [0.3, 0.2], draws=draws)
    if through:
        target = Differentiable(network, seeds, FromNetwork(network=brightness), draws=draws)
    objective = Objective(torch.tensor([3, 1]))
    pixels = torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    found = objective_gradient(target, objective, pixels, 0).raw
    x = pixels.clone().requires_grad_(True)
    sigmas = brightness(x) if through else torch.tensor([0.3, 0.2])
    z = target._noise(images, copies, 0, ASCEND).permute(0, 1, 4, 2, 3)
    rows = x[:, None] + sigmas[:, None, None, None, None] * z
    logits = network(rows.flatten(0, 1)).view(2, draws, -1)
    (wanted,) = torch.autograd.grad(objective.over_copies(objective.each(logits)).sum(), x)
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-5 * float(wanted.abs().max()))


class ReadsItsSlope(nn.Module):
    """A network that looks at the gradient of a score of its own to its input."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(1, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        climbed = torch.is_grad_enabled()
        with torch.inference_mode(False), torch.enable_grad():
            x = x.clone() if x.is_inference() else x
            if not x.requires_grad:
                x.requires_grad_()
            score = self.first(x).tanh().square().sum()
            (slope,) = torch.autograd.grad(score, x, create_graph=climbed)
        answer: torch.Tensor = self.last(slope).mean(dim=(2, 3))
        return answer


def test_a_network_that_reads_its_own_gradient_answers_as_it_does_alone() -> None:
    network = Classifier(ReadsItsSlope(), spec_of((1, 8, 8), 3))
    target = Smoothed(network, [5, 6], [0.25, 0.25], draws=4)
    pixels = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    z = target._noise(range(2), range(4), 0, ASCEND).permute(0, 1, 4, 2, 3)
    x = pixels.clone().requires_grad_(True)
    wanted = network((x[:, None] + 0.25 * z).flatten(0, 1)).view(2, 4, -1)
    found = objective_gradient(target, Objective(torch.tensor([0, 1])), pixels, 0)
    torch.testing.assert_close(found.outputs.logits, wanted.detach())
    objective = found.outputs.objective
    (gradient,) = torch.autograd.grad(objective.over_copies(objective.each(wanted)).sum(), x)
    close = 1e-5 * float(gradient.abs().max())
    torch.testing.assert_close(found.raw, gradient, rtol=1e-3, atol=close)
    with torch.no_grad():
        judged = target.logits(pixels, range(2), range(4), 0)
    torch.testing.assert_close(judged, wanted.detach())


@pytest.mark.parametrize("through", [True, False])
def test_an_attack_on_the_selector_wins_where_a_frozen_sigma_cannot(through: bool) -> None:
    """The class is lost by noise alone, and the selector's noise grows with brightness.

    At the sigma of the clean image the ball around it holds almost all noisy copies, wherever a
    perturbation of this size moves it; the brighter image is given noise that leaves the ball.
    """
    image = grey()
    shell = Shell(torch.tensor(image.pixels), 2.6)
    classifier = Classifier(shell, spec_of(SHAPE, 2))
    picker = (
        FromNetwork(network=lambda x: 0.05 + x.mean(dim=(1, 2, 3)) / 2) if through else Brightness()
    )
    options = {"sigma": None, "selector": picker, "eps": 1.2, "steps": 30, "draws": 16}
    weaker = drain(ATTACKS["epgd"](**options).run(classifier, [image], seed=0))[0]
    stronger = drain(ATTACKS["epgd"](**options, reselect=1).run(classifier, [image], seed=0))[0]
    assert not weaker.success
    assert weaker.sigma == pytest.approx(0.25, abs=1e-6)
    assert "frozen" in weaker.target
    if through:
        assert stronger.success
        assert "through" in stronger.target
    assert stronger.sigma == pytest.approx(0.05 + stronger.adversarial.mean() / 2, rel=1e-4)


def test_images_in_lanes_pick_their_own_sigmas() -> None:
    """With two threads the selector runs inside a shard, without waiting for the pool it is in."""
    threads = torch.get_num_threads()
    images = [grey(level) for level in (60, 102, 150, 200)]
    classifier = Classifier(Shell(torch.tensor(images[0].pixels), 2.6), spec_of(SHAPE, 2))
    grid = SELECTORS["grid"](sigma_min=0.1, sigma_max=0.3, interval=0.1, n=70)
    attack = ATTACKS["epgd"](sigma=None, selector=grid, reselect=2, steps=4, draws=2)
    torch.set_num_threads(2)
    try:
        found = drain(attack.run(classifier, images, seed=0))
    finally:
        torch.set_num_threads(threads)
    assert [result.image_digest for result in found] == [image.digest for image in images]
    assert {round(result.sigma or 0, 6) for result in found} <= {0.1, 0.2, 0.3}


def test_a_selector_network_must_answer_for_each_image() -> None:
    classifier = Classifier(Shell(torch.zeros(SHAPE), 1.0), spec_of(SHAPE, 2))
    picker = FromNetwork(network=lambda x: torch.ones(7))
    attack = ATTACKS["epgd"](sigma=None, selector=picker, reselect=1)
    with pytest.raises(ModelFileError, match="sigmas"):
        drain(attack.run(classifier, [grey()], seed=0))


class Steps(nn.Module):
    """Answers a class number as one-hot: no gradient at all."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.nn.functional.one_hot((x.flatten(1).mean(dim=1) > 0.41).long(), 2).float()


@pytest.mark.parametrize("name", ["pgd", "epgd", "ddn", "cw", "minimal"])
def test_a_network_without_gradients_is_said_and_square_is_offered(name: str) -> None:
    classifier = Classifier(Steps(), spec_of(SHAPE, 2))
    with pytest.raises(ParameterError, match=r"no gradients.*'square'"):
        drain(ATTACKS[name]().run(classifier, [grey()], labels=[0], seed=0))
    found = drain(ATTACKS["square"](eps=0.1).run(classifier, [grey()], labels=[0], seed=0))[0]
    assert found.success


class Broken(nn.Module):
    """The right answer, with a gradient of NaN or of 0."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    def forward(self, x: Tensor) -> Tensor:
        score = x.flatten(1).mean(dim=1) - 0.5
        if self.how == "zero":
            return torch.stack([-score, score], dim=1).sign() + 0 * x.flatten(1)[:, :2]
        hole = torch.sqrt(x.flatten(1)[:, 0] * 0)  # 0, with an infinite slope
        return torch.stack([-score + hole, score], dim=1)


@pytest.mark.parametrize(
    ("how", "word"), [("nan", "NaN or infinite gradient"), ("zero", "zero gradient")]
)
def test_broken_gradients_are_counted_and_the_attack_goes_on(how: str, word: str) -> None:
    classifier = Classifier(Broken(how), spec_of(SHAPE, 2))
    found = drain(ATTACKS["pgd"](eps=0.3, steps=5).run(classifier, [grey()], labels=[0], seed=0))[0]
    assert not found.success
    assert np.isfinite(found.adversarial).all()
    assert f"warning: {word} in 5 of 5 steps" in found.notes
    assert found.l2 > 0


def test_a_network_that_answers_nan_needs_a_label() -> None:
    class Silent(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)[:, :2] * torch.nan

    classifier = Classifier(Silent(), spec_of(SHAPE, 2))
    bare = image_from_array(np.full((8, 8, 1), 9, np.uint8), spec_of(SHAPE, 2))
    with pytest.raises(ParameterError, match="give a label"):
        drain(ATTACKS["pgd"]().run(classifier, [bare], seed=0))
    found = drain(ATTACKS["pgd"](steps=4).run(classifier, [bare], labels=[0], seed=0))[0]
    assert not found.success
    assert "warning: NaN or infinite gradient in 4 of 4 steps" in found.notes


def test_memory_is_bounded_by_a_pass_whatever_the_copies(linear: MakeLinear) -> None:
    """No forward pass ever sees more rows than a block."""
    classifier, image = linear(0.3, SHAPE)
    rows: list[int] = []
    classifier.module.register_forward_pre_hook(lambda _, given: rows.append(len(given[0])))
    classifier._threads = type(classifier._threads)()  # copies made from here on carry the hook
    attack = ATTACKS["epgd"](draws=300, steps=2, eps=0.5, judged=200)
    drain(attack.run(classifier, [image] * 3, seed=0))
    assert max(rows) <= classifier.block
    assert sum(rows) >= 3 * 2 * 300


def test_one_image_s_copies_agree_with_more_threads(linear: MakeLinear) -> None:
    classifier, image = linear(0.3, SHAPE)
    attack = ATTACKS["epgd"](draws=20, steps=3, eps=0.5)
    found = []
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            found.append(drain(attack.run(classifier, [image], seed=0))[0])
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_allclose(found[0].adversarial, found[1].adversarial, atol=1e-5)
