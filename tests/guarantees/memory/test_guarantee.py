"""What certificates with a memory say: stored, cut, inherited, repeated."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError
from rs_core.events import Step, drain
from rs_core.guarantees import Frozen, Memory
from rs_core.images import ImageInput, image_from_array
from rs_core.results import Certificate, Selection, to_json
from tests.conftest import spec_of

SPEC = spec_of((1, 8, 8), 2)


class Far(torch.nn.Module):
    """Class 0 near the grey image: large noise mostly leaves it, small noise does not."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        far = ((x - 128 / 255).flatten(1).norm(dim=1) > 8 * 0.3).float()
        return torch.stack([1 - far, far], dim=1)


def image(step: int) -> ImageInput:
    """Grey, with one pixel `step` levels brighter."""
    pixels = np.full((8, 8, 1), 128, np.uint8)
    pixels[0, 0] += step
    return image_from_array(pixels, SPEC)


def picked(*sigmas: float, selector: str = "gradient") -> list[Selection]:
    return [Selection(selector, sigma, (), 0) for sigma in sigmas]


@pytest.fixture
def classifier() -> Classifier:
    return Classifier(Far(), SPEC)


def certified(
    memory: Memory, classifier: Classifier, steps: list[int], *sigmas: float, seed: int = 0
) -> tuple[Certificate, ...]:
    return drain(memory.run(classifier, [image(s) for s in steps], picked(*sigmas), seed=seed))


def test_an_own_answer_is_the_frozen_one_with_its_condition(classifier: Classifier) -> None:
    (mine,) = certified(Memory(n=500), classifier, [0], 0.1)
    (frozen,) = drain(Frozen(n=500).run(classifier, [image(0)], picked(0.1), seed=0))
    assert mine.predicted == frozen.predicted == 0
    assert mine.radius == pytest.approx(frozen.radius, rel=1e-8)
    assert mine.radius < frozen.radius
    assert mine.p_lower == frozen.p_lower
    assert "valid for queries after this point was stored (memory " in mine.statement
    assert ", entry 1)" in mine.statement
    assert "σ=0.1 " in mine.statement


def test_a_point_in_a_ball_inherits_and_shows_no_votes_as_support(classifier: Classifier) -> None:
    first, second = certified(Memory(n=500), classifier, [0, 10], 0.1, 0.9)
    assert (first.predicted, second.predicted) == (0, 0)
    assert second.radius == pytest.approx(first.radius - 10 / 255, abs=1e-6)
    assert math.isnan(second.p_lower)
    assert second.p_upper_runner_up is None
    assert second.n_top == second.counts[0] < 250
    assert "label enforced, inherited from entry 1; no σ and no votes" in second.statement
    assert "σ=" not in second.statement
    assert f"class {second.predicted} " in second.statement
    assert "entry 2)" in second.statement


def test_the_order_decides_and_a_cut_is_named(classifier: Classifier) -> None:
    first, second = certified(Memory(n=500), classifier, [0, 100], 0.1, 0.9)
    assert (first.predicted, second.predicted) == (0, 1)
    assert second.radius == pytest.approx(100 / 255 - first.radius, abs=1e-6)
    assert second.p_lower > 0.9
    assert "entry 2); radius cut by entry 1 " in second.statement
    ahead, behind = certified(Memory(n=500), classifier, [100, 0], 0.9, 0.1)
    assert ahead.radius > 1 > 100 / 255
    assert behind.predicted == 1
    assert 0 < behind.radius < ahead.radius
    assert behind.counts[0] == 500
    assert "inherited from entry 1" in behind.statement


def test_a_repeat_gets_the_stored_answer(classifier: Classifier, tmp_path: Path) -> None:
    memory = Memory(n=500, path=str(tmp_path / "memory"))
    first = certified(memory, classifier, [0, 10], 0.1, 0.9)
    assert to_json(certified(memory, classifier, [0, 10], 0.1, 0.9)) == to_json(first)


def test_draws_that_disagree_do_not_support_a_repeat(
    classifier: Classifier, tmp_path: Path
) -> None:
    memory = Memory(n=500, path=str(tmp_path / "memory"))
    (first,) = certified(memory, classifier, [0], 0.1)
    (other,) = certified(memory, classifier, [0], 0.9)
    assert (other.predicted, other.radius) == (0, first.radius)
    assert math.isnan(other.p_lower)
    assert "answer of entry 1 repeated; no σ and no votes stand behind it" in other.statement
    (abstained,) = certified(memory, classifier, [100], 0.2975)
    assert abstained.predicted is None
    (still,) = certified(memory, classifier, [100], 0.9)
    assert (still.predicted, still.radius, still.n_top) == (None, 0.0, 0)
    assert still.statement.startswith("Abstained: nothing is certified · answer of entry 2")


def test_weaker_draws_do_not_support_a_repeat_and_no_draws_an_inherited_label(
    classifier: Classifier, tmp_path: Path
) -> None:
    memory = Memory(n=500, path=str(tmp_path / "memory"))
    first, second = certified(memory, classifier, [0, 10], 0.1, 0.9)
    weaker, same = certified(memory, classifier, [0, 10], 0.05, 0.1)
    assert (weaker.predicted, weaker.radius) == (0, first.radius)
    assert math.isnan(weaker.p_lower)
    assert "answer of entry 1 repeated" in weaker.statement
    assert (same.predicted, same.statement) == (0, second.statement)
    assert math.isnan(same.p_lower)


def test_the_policy_network_and_selector_are_the_key(
    classifier: Classifier, tmp_path: Path
) -> None:
    memory = Memory(n=500, path=str(tmp_path / "memory"), policy="steps=100")
    certified(memory, classifier, [0], 0.1)
    said = "made with sigma policy gradient steps=100, and this run has gradient steps=9"
    with pytest.raises(ParameterError, match=said):
        next(replace(memory, policy="steps=9").run(classifier, [image(0)], picked(0.1), seed=0))
    grid = picked(0.1, selector="grid")
    with pytest.raises(ParameterError, match="this run has grid steps=100"):
        next(memory.run(classifier, [image(0)], grid, seed=0))
    with pytest.raises(ParameterError, match="made with weights "):
        certified(memory, Classifier(Far(), SPEC, weights_id="other"), [0], 0.1)
    shifted = replace(SPEC, mean=(0.5,), std=(1.0,))
    with pytest.raises(ParameterError, match=r"normalisation mean \[\] std \[\], .* mean \[0.5\]"):
        certified(memory, Classifier(Far(), shifted, weights_id=classifier.weights_id), [0], 0.1)
    with pytest.raises(ParameterError, match="answers of one selector"):
        next(memory.run(classifier, [image(0)] * 2, [*picked(0.1), *grid], seed=0))
    with pytest.raises(ParameterError, match="of none"):
        next(memory.run(classifier, [], [], seed=0))


def test_every_stored_point_is_a_step(classifier: Classifier, tmp_path: Path) -> None:
    memory = Memory(n=500, path=str(tmp_path / "memory"))
    stored = []
    for event in memory.run(classifier, [image(0), image(10)], picked(0.1, 0.1), seed=0):
        if isinstance(event, Step) and event.done > 2 * 600:
            with_memory = memory.open(classifier, "gradient")
            stored.append((event.done - 2 * 600, len(with_memory.balls)))
            with_memory.close()
    assert stored == [(1, 1), (2, 2)]
