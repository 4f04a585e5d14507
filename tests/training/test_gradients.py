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
from rs_core.training.cuda_graphs import CudaGraph
from rs_core.training.data import Batch, pixel_store
from rs_core.training.gradients import StepGradients
from rs_core.training.progress import Course
from rs_core.training.state import TrainState
from rs_core.training.view import NormalizedNetwork

CPU = torch.device("cpu")
no_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="records on a CUDA device only")
KINDS = {name: (name, {}) for name in RECIPES} | {"ddn": ("smoothadv", {"attack": "ddn"})}


def passes(toy: Dataset, tiny: ModelSpec) -> StepGradients:
    recipe = Gaussian(batch_size=40, precision="fp32")
    store = pixel_store(toy.images, toy.labels, (), (), CPU)
    learner = TrainState(recipe, tiny, store, seed=0, bf16=False)
    generator = torch.Generator().manual_seed(7)
    return StepGradients(learner, Course(2, 6), store, "shift", generator)


def seen(made: StepGradients) -> tuple[Tensor, list[Tensor]]:
    """The noise of the first batch, and the gradients."""
    batch, _ = made.run(torch.arange(40))
    gradients = [p.grad for p in made._learner.network.parameters()]
    return batch.noise, [g for g in gradients if g is not None]


class Fake:
    """A recording that computes when it is asked to replay, unless it is told to spoil that."""

    def __init__(self, made: StepGradients, spoil: Callable[[], None] | None = None) -> None:
        self.made, self.spoil = made, spoil
        self.keys: list[Hashable] = []

    def hold(self, work: Callable[[Tensor], object], rows: Tensor, key: Hashable) -> bool:
        if isinstance(self.spoil, Exception):
            torch.rand(5, generator=self.made._generator)  # it had begun to draw
            raise self.spoil
        is_new = key not in self.keys
        self.keys.append(key)
        return is_new

    def replay(self, rows: Tensor) -> object:
        if self.spoil is not None:
            self.spoil()
        found = self.made._recorded(rows)
        for parameter in self.made._parameters:
            parameter.grad = None  # whoever cleared them meanwhile
        return found

    def forget(self) -> None:
        self.keys.clear()


def recorded_by(made: StepGradients, fake: Fake) -> StepGradients:
    """The same where a device would record from the first step on."""
    made._recording, made._done = fake, 10  # type: ignore[assignment]
    return made


def test_a_recording_holds_what_a_step_does(toy: Dataset, tiny: ModelSpec) -> None:
    made = passes(toy, tiny)
    fake = Fake(made)
    noise, gradients = seen(recorded_by(made, fake))
    expected_noise, expected = seen(passes(toy, tiny))
    assert fake.keys == [(0, 1)]
    assert torch.equal(noise, expected_noise)
    assert len(gradients) == len(expected) > 0
    assert all(map(torch.equal, gradients, expected))
    assert made.news() == ""


def one_by_one(made: StepGradients, toy: Dataset, tiny: ModelSpec) -> str:
    """Holds that the first step is the ordinary one; what was said of it."""
    noise, gradients = seen(made)
    expected_noise, expected = seen(passes(toy, tiny))
    assert torch.equal(noise, expected_noise)
    assert all(map(torch.equal, gradients, expected))
    assert made._recording is None
    return made.news()


def test_where_memory_is_short_steps_are_made_one_by_one(toy: Dataset, tiny: ModelSpec) -> None:
    made = passes(toy, tiny)
    fake = Fake(made, torch.OutOfMemoryError("CUDA out of memory"))  # type: ignore[arg-type]
    assert "does not fit into memory" in one_by_one(recorded_by(made, fake), toy, tiny)
    assert made.news() == ""


def test_a_replay_that_draws_other_noise_is_not_used(toy: Dataset, tiny: ModelSpec) -> None:
    made = passes(toy, tiny)

    def draw() -> None:
        torch.rand(3, generator=made._generator)

    fake = Fake(made, draw)
    assert "does not replay" in one_by_one(recorded_by(made, fake), toy, tiny)


def test_a_recipe_that_cannot_be_recorded_is_told_what_to_do(toy: Dataset, tiny: ModelSpec) -> None:
    made = passes(toy, tiny)
    error = RuntimeError("operation not permitted when stream is capturing")
    with pytest.raises(ParameterError, match=r"Gaussian cannot be .* say recorded = False"):
        seen(recorded_by(made, Fake(made, error)))  # type: ignore[arg-type]


def test_an_epochs_end_gives_its_recording_back(toy: Dataset, tiny: ModelSpec) -> None:
    made = passes(toy, tiny)
    fake = Fake(made)
    seen(recorded_by(made, fake))
    made.rest()
    assert fake.keys == []
    assert all(parameter.grad is None for parameter in made._parameters)


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
    keys = []
    inner = CudaGraph.hold

    def counted(self: CudaGraph[object], work: object, rows: Tensor, key: Hashable) -> bool:
        if is_new := inner(self, work, rows, key):  # type: ignore[arg-type]
            keys.append(key)
        return is_new

    with monkeypatch.context() as patch:
        patch.setattr(CudaGraph, "hold", counted)
        replayed = trained(recipe, tiny, toy)
    assert keys == [(0, 1), (1, 1)]
    monkeypatch.setattr(type(recipe), "recorded", False)
    for key, value in trained(recipe, tiny, toy).items():
        torch.testing.assert_close(replayed[key], value, rtol=1e-2, atol=1e-3)


class Looking(Gaussian):
    """Looks at its loss in the middle of a step."""

    recorded = False

    def batch_loss(
        self, network: NormalizedNetwork, batch: Batch, generator: torch.Generator
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
