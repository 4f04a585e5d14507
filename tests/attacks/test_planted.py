"""Planted adversarial images, planted masks: an attack that finds nothing must have looked."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from rs_core.attacks import ATTACKS, Attack, Confirm, SelfCheck, Transfer
from rs_core.classifiers import Classifier
from rs_core.cli.outputs.attack_text import transfer_lines
from rs_core.errors import ParameterError
from rs_core.events import Finished, drain
from rs_core.images import ImageInput, image_from_array
from tests.conftest import Linear, MakeLinear, spec_of

SHAPE = (1, 8, 8)


class Hole(nn.Module):
    """Class 1, but for a ball around one planted point near the image, where it is class 0."""

    def __init__(self, planted: Tensor, radius: float) -> None:
        super().__init__()
        self.register_buffer("planted", planted)
        self.radius = radius

    def forward(self, x: Tensor) -> Tensor:
        score = (x - self.planted).flatten(1).norm(dim=1) - self.radius
        return torch.stack([-score, score], dim=1)


class Silent(nn.Module):
    """NaN, whatever it is shown."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, :2] * torch.nan


def grey(label: int = 1) -> ImageInput:
    return image_from_array(np.full((8, 8, 1), 128, np.uint8), spec_of(SHAPE, 2), label=label)


def planted(distance: float, norm: str, width: float = 0.3) -> tuple[Classifier, ImageInput]:
    image = grey()
    signs = torch.randn(*SHAPE, generator=torch.Generator().manual_seed(3)).sign()
    length = distance / 8 if norm == "l2" else distance
    hole = Hole(torch.tensor(image.pixels) + length * signs, width * 8 * length)
    return Classifier(hole, spec_of(SHAPE, 2)), image


@pytest.mark.parametrize(
    "attack",
    [
        ATTACKS["fgsm"](eps=0.1),
        ATTACKS["pgd"](norm="linf", eps=0.1),
        ATTACKS["pgd"](norm="l2", eps=0.8, restarts=2),
        ATTACKS["pgd"](norm="l2", eps=0.8, targets=1, loss="margin"),
        ATTACKS["epgd"](eps=0.8, sigma=0.01),
        ATTACKS["epgd"](eps=0.8, sigma=0.01, expectation="probability"),
        ATTACKS["epgd"](eps=0.8, sigma=0.01, fresh=False, target=0),
        ATTACKS["ddn"](first_norm=0.3),
        ATTACKS["cw"](),
        ATTACKS["minimal"](sigma=0.01),
        ATTACKS["square"](eps=0.1, queries=1000),
        ATTACKS["square"](norm="l2", eps=0.8, queries=2000),
    ],
    ids=lambda attack: f"{attack.name} {getattr(attack, 'norm', '')}",
)
def test_a_planted_adversarial_is_found(attack: Attack) -> None:
    norm = getattr(attack, "norm", "l2")
    # Without gradients, 64 unrelated signs cannot be guessed to within a narrow hole.
    width = 0.85 if attack.name == "square" and norm == "l2" else 0.3
    classifier, image = planted(0.8 if norm == "l2" else 0.1, norm, width)
    found = drain(attack.run(classifier, [image], seed=0))
    assert found[0].success
    # The smallest norm ends on the boundary, where PREDICT may abstain: it is walked outwards.
    confirm = Confirm(n=500, stretch=0.01 if attack.name == "minimal" else 0)
    assert drain(confirm.run(classifier, [image], found, seed=0))[0].confirmed
    if attack.name in ("ddn", "cw", "minimal"):
        assert found[0].l2 <= 0.7 * 0.8 * 1.03  # the nearest point of the hole


def test_noise_of_the_same_norm_does_not_find_it() -> None:
    classifier, image = planted(0.8, "l2", 0.85)
    found = drain(ATTACKS["gaussian"](eps=0.8, tries=50).run(classifier, [image], seed=0))[0]
    assert not found.success
    assert found.notes == ()


class Masked(nn.Module):
    """Linear, behind a staircase so fine that the gradient is noise without meaning."""

    def __init__(self, weight: Tensor, bias: float) -> None:
        super().__init__()
        self.register_buffer("weight", weight.flatten())
        self.bias = bias

    def forward(self, x: Tensor) -> Tensor:
        score = x.flatten(1) @ self.weight + self.bias
        score = score.detach() - 1e-3 * x.flatten(1) @ self.weight  # points the wrong way
        return torch.stack([-score, score], dim=1)


def masked() -> tuple[Classifier, list[ImageInput]]:
    weight = torch.randn(*SHAPE, generator=torch.Generator().manual_seed(0))
    weight /= weight.norm()
    images = [grey()] * 2
    bias = 0.2 - float(torch.tensor(images[0].pixels).flatten() @ weight.flatten())
    # Named by hand: whether a step lands behind the mask is chance, and draws follow the name.
    return Classifier(Masked(weight, bias), spec_of(SHAPE, 2), weights_id="masked"), images


def test_a_masked_gradient_is_flagged() -> None:
    classifier, images = masked()
    check = drain(
        SelfCheck(attack=ATTACKS["pgd"](eps=0.5, norm="l2")).run(classifier, images, seed=0)
    )
    assert check.success == 0
    assert check.gradient_free == 1
    assert check.unbounded < 1
    text = " ".join(check.warnings)
    assert "only 0% of the images are fooled" in text
    assert "without gradients fools 100%, this one 0%" in text
    assert "have warnings of their own" in text


class Sure(nn.Module):
    """Class 0 everywhere; its gradient is as it should be."""

    def forward(self, x: Tensor) -> Tensor:
        score = 9 + x.flatten(1).mean(dim=1)
        return torch.stack([score, -score], dim=1)


def test_a_network_of_one_class_is_not_called_masked() -> None:
    classifier = Classifier(Sure(), spec_of(SHAPE, 2))
    attack = ATTACKS["pgd"](eps=0.5, norm="l2", steps=3)
    checking = SelfCheck(attack=attack, queries=2, tries=2)
    said, *_ = drain(checking.run(classifier, [grey()], labels=[0], seed=0)).warnings
    assert "only 0% of the images are fooled" in said
    assert said.endswith("too few, or there is no other class within reach")


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_an_honest_attack_raises_no_flag(norm: str, linear: MakeLinear) -> None:
    classifier, image = linear(0.2, SHAPE)
    for attack in (
        ATTACKS["pgd"](eps=0.4, norm=norm),
        ATTACKS["epgd"](eps=0.4, norm=norm, sigma=0.1),
    ):
        *steps, last = SelfCheck(attack=attack).run(classifier, [image], seed=0)
        assert isinstance(last, Finished)
        assert last.result.warnings == ()
        assert last.result.success == last.result.unbounded == 1
        assert [s.done for s in steps] == sorted(s.done for s in steps)
        assert steps[-1].done == steps[-1].total


def test_a_transfer_matrix_has_the_white_box_on_its_diagonal(linear: MakeLinear) -> None:
    first, image = linear(0.2, SHAPE)
    weight = -first.module.weight
    score = float(torch.tensor(image.pixels).flatten() @ weight)
    other = Classifier(Linear(weight, 0.3 - score), spec_of(SHAPE, 2))
    attacks = {"pgd": ATTACKS["pgd"](eps=0.5), "epgd": ATTACKS["epgd"](eps=0.5, steps=10)}
    networks = {"first": first, "opposed": other}
    for sigma in (None, 0.1):
        stream = Transfer(attacks=attacks, sigma=sigma, n=200).run(
            networks, networks, [image], seed=0
        )
        *steps, last = stream
        matrix = last.result
        assert [s.done for s in steps] == sorted(s.done for s in steps)
        assert all(s.done <= s.total for s in steps)
        assert matrix.sources == ("first", "first", "opposed", "opposed")
        assert matrix.attacks == ("pgd", "epgd") * 2
        assert matrix.targets == ("first", "opposed")
        assert matrix.clean.tolist() == [0, 0]
        assert matrix.rates.tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
        assert matrix.abstained is not None
        assert not matrix.abstained.any()


def test_a_target_that_abstains_has_lost_the_label(linear: MakeLinear) -> None:
    """A network that says nothing of any image is not one that holds against every attack."""
    first, image = linear(0.4, SHAPE)
    weight = torch.full(SHAPE, 1.0).div(8)
    score = float(torch.tensor(image.pixels).flatten() @ weight.flatten())
    border = Classifier(Linear(weight, -score), spec_of(SHAPE, 2))
    silent = Classifier(Silent(), spec_of(SHAPE, 2))
    task = Transfer(attacks={"pgd": ATTACKS["pgd"](eps=1e-4)}, sigma=0.5, n=100)
    targets = {"first": first, "border": border, "silent": silent}
    matrix = drain(task.run({"first": first}, targets, [image], seed=0))
    assert (matrix.clean.tolist(), matrix.rates.tolist()) == ([0, 1, 1], [[0, 1, 1]])
    assert matrix.clean_abstained is not None
    assert matrix.abstained is not None
    assert matrix.clean_abstained.tolist() == [0, 1, 1]
    assert matrix.abstained.tolist() == [[0, 1, 1]]
    plain = drain(replace(task, sigma=None).run({"first": first}, targets, [image], seed=0))
    assert plain.abstained is not None
    assert plain.abstained.tolist() == [[0, 0, 1]], "without noise only NaN is no answer"
    text = list(transfer_lines(matrix))
    assert text[1].split()[-3:] == ["100.0%", "(100.0%", "abstain)"]


def test_networks_that_answer_other_questions_are_refused(linear: MakeLinear) -> None:
    classifier, image = linear(0.2, SHAPE)
    larger, _ = linear(0.2, (1, 9, 9))
    more = Classifier(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), spec_of(SHAPE, 3))
    task = Transfer(attacks={"pgd": ATTACKS["pgd"]()})
    for other in (larger, more):
        with pytest.raises(ParameterError, match="differ in input or classes"):
            drain(task.run({"a": classifier}, {"b": other}, [image], seed=0))
    with pytest.raises(ParameterError, match="give all three"):
        drain(task.run({"a": classifier}, {}, [image], seed=0))
    bare = image_from_array(np.full((8, 8, 1), 9, np.uint8), spec_of(SHAPE, 2))
    with pytest.raises(ParameterError, match="no label to lose"):
        drain(task.run({"a": classifier}, {"a": classifier}, [bare], seed=0))
