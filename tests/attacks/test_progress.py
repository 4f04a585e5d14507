import math

import pytest
import torch

from rs_core.attacks import ATTACKS, AttackStep
from rs_core.attacks.norms import norm_of
from rs_core.classifiers import Classifier
from rs_core.events import Finished
from rs_core.images import ImageInput
from rs_core.results.attack import AttackResult


def watched(
    network: Classifier, images: list[ImageInput], name: str, **options: object
) -> tuple[list[AttackStep], tuple[AttackResult, ...]]:
    steps: list[AttackStep] = []
    for event in ATTACKS[name](**options).run(network, images, seed=0):
        if isinstance(event, Finished):
            return steps, event.result
        if isinstance(event, AttackStep):
            steps.append(event)
    raise AssertionError("no result")


def test_steps_show_the_loss_that_the_result_keeps(
    network: Classifier, images: list[ImageInput]
) -> None:
    steps, found = watched(network, images, "pgd", eps=0.8, steps=6)
    assert [step.first for step in steps] == [0] * 6
    for index, result in enumerate(found):
        assert [step.losses[index] for step in steps] == pytest.approx(result.loss_trace)


def test_nearest_shrinks_and_is_a_norm_that_was_judged(
    network: Classifier, images: list[ImageInput]
) -> None:
    settings = {"sigma": 0.3, "steps": 4, "draws": 3, "rounds": 4, "judged": 32, "refine": 3}
    steps, found = watched(network, images, "minimal", **settings)
    for index, result in enumerate(found):
        seen = [step.nearest[index] for step in steps]
        assert seen == sorted(seen, reverse=True)
        if result.success and result.l2 > 0:
            moved = torch.from_numpy(result.adversarial - images[index].pixels)[None]
            assert float(norm_of(moved, "l2")) <= seen[-1] * (1 + 1e-5)
    assert any(math.isfinite(value) for value in steps[-1].nearest)


def test_an_attack_without_gradients_shows_no_loss(
    network: Classifier, images: list[ImageInput]
) -> None:
    steps, _ = watched(network, images, "square", eps=0.2, queries=5)
    assert steps
    assert all(step.losses is None for step in steps)
