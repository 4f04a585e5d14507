"""A step's draws and gradients are the same one by one and recorded."""

from collections.abc import Callable, Hashable

import pytest
import torch
from torch import Tensor

from rs_core.datasets import Dataset
from rs_core.errors import ParameterError
from rs_core.events import drain
from rs_core.results import ModelSpec
from rs_core.training import RECIPES, Gaussian, Recipe
from rs_core.training.batches import Batch, pixel_store
from rs_core.training.course import Course
from rs_core.training.learner import Learner
from rs_core.training.passes import Passes
from rs_core.training.recording import Recording
from rs_core.training.view import View

CPU = torch.device("cpu")
no_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="records on a CUDA device only")
KINDS = {name: (name, {}) for name in RECIPES} | {"ddn": ("smoothadv", {"attack": "ddn"})}


def passes(toy: Dataset, tiny: ModelSpec) -> Passes:
    recipe = Gaussian(batch_size=40, precision="fp32")
    store = pixel_store(toy.images, toy.labels, (), (), CPU)
    learner = Learner(recipe, tiny, store, seed=0, bf16=False)
    generator = torch.Generator().manual_seed(7)
    return Passes(learner, Course(2, 6), store, "shift", generator)


def seen(made: Passes) -> tuple[Tensor, list[Tensor]]:
    """The noise of the first batch, and the gradients."""
    batch, _ = made.run(torch.arange(40))
    gradients = [p.grad for p in made._learner.network.parameters()]
    return batch.noise, [g for g in gradients if g is not None]


def recorded_by(made: Passes, fake: Callable[[Tensor, Hashable], object]) -> Passes:
    """The same where a device would record from the first step on."""

    class Fake:
        __call__ = staticmethod(fake)

        def forget(self) -> None:
            return

    made._recording, made._done = Fake(), 10  # type: ignore[assignment]
    return made


def test_a_recording_holds_what_a_step_does(toy: Dataset, tiny: ModelSpec) -> None:
    made = passes(toy, tiny)
    keys = []

    def replay(rows: Tensor, key: Hashable) -> object:
        keys.append(key)
        return made._recorded(rows)

    noise, gradients = seen(recorded_by(made, replay))
    expected_noise, expected = seen(passes(toy, tiny))
    assert keys == [(0, 1)]
    assert torch.equal(noise, expected_noise)
    assert len(gradients) == len(expected) > 0
    assert all(map(torch.equal, gradients, expected))


def test_where_memory_is_short_steps_are_made_one_by_one(toy: Dataset, tiny: ModelSpec) -> None:
    made = passes(toy, tiny)

    def refuse(rows: Tensor, key: Hashable) -> object:
        torch.rand(5, generator=made._generator)  # it had begun to draw
        raise torch.OutOfMemoryError("CUDA out of memory")

    noise, gradients = seen(recorded_by(made, refuse))
    expected_noise, expected = seen(passes(toy, tiny))
    assert torch.equal(noise, expected_noise)
    assert all(map(torch.equal, gradients, expected))
    assert made._recording is None


def test_a_recipe_that_cannot_be_recorded_is_told_what_to_do(toy: Dataset, tiny: ModelSpec) -> None:
    def refuse(rows: Tensor, key: Hashable) -> object:
        raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(ParameterError, match=r"Gaussian cannot be .* say recorded = False"):
        seen(recorded_by(passes(toy, tiny), refuse))


def trained(recipe: Recipe, spec: ModelSpec, data: Dataset) -> dict[str, Tensor]:
    return drain(recipe.run(spec, data, seed=0, device="cuda")).module.state_dict()


@no_gpu
@pytest.mark.parametrize("kind", KINDS)
def test_replays_train_as_the_steps_themselves_do(
    kind: str, toy: Dataset, tiny: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, more = KINDS[kind]
    settings = {"epochs": 2, "batch_size": 24, "precision": "fp32", "learning_rate": 0.01, **more}
    recipe = RECIPES[name](**settings)
    records = []
    inner = Recording._record

    def counted(self: Recording[object], rows: Tensor, key: Hashable) -> object:
        records.append(key)
        return inner(self, rows, key)

    with monkeypatch.context() as patch:
        patch.setattr(Recording, "_record", counted)
        replayed = trained(recipe, tiny, toy)
    assert records == [(0, 1), (1, 1)]

    monkeypatch.setattr(type(recipe), "recorded", False)
    for key, value in trained(recipe, tiny, toy).items():
        torch.testing.assert_close(replayed[key], value, rtol=1e-2, atol=1e-3)


class Looking(Gaussian):
    """Looks at its loss in the middle of a step."""

    recorded = False

    def batch_loss(
        self, network: View, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """As ever."""
        loss, right = super().batch_loss(network, batch, generator)
        assert loss.item() > 0
        return loss, right


@no_gpu
def test_a_recipe_that_waits_is_trained_one_step_at_a_time(toy: Dataset, tiny: ModelSpec) -> None:
    settings = {"epochs": 2, "batch_size": 24, "precision": "fp32"}
    plain = trained(Gaussian(**settings), tiny, toy)
    for key, value in trained(Looking(**settings), tiny, toy).items():
        torch.testing.assert_close(plain[key], value, rtol=1e-2, atol=1e-3)
