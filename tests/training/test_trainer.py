import dataclasses
import errno
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from rs_core.datasets import Dataset
from rs_core.errors import CheckpointError, ParameterError
from rs_core.events import Finished, drain
from rs_core.models import load_model, save_model
from rs_core.results import ModelSpec, from_json, to_json
from rs_core.training import EpochDone, Gaussian, Trained, UniversalSigma
from rs_core.training.checkpoints.files import FILE_NAME, load_checkpoint, save_checkpoint
from rs_core.training.data import Batch
from rs_core.training.history import LossStep
from rs_core.training.view import NormalizedNetwork

RECIPE = UniversalSigma(sigma=0.3, epochs=4, batch_size=40, precision="fp32", weight_average=0.9)


def weights(trained: Trained) -> dict[str, torch.Tensor]:
    return trained.module.state_dict()


def same(first: Trained, second: Trained) -> bool:
    return all(torch.equal(a, weights(second)[name]) for name, a in weights(first).items())


def run_epochs(
    recipe: UniversalSigma, spec: ModelSpec, data: Dataset, folder: Path, epochs: int
) -> list[EpochDone]:
    """Iterate until so many epochs are done, then stop iterating in the middle of the next."""
    done: list[EpochDone] = []
    for event in recipe.run(spec, data, seed=0, checkpoint=folder):
        if isinstance(event, EpochDone):
            done.append(event)
        elif len(done) == epochs:
            break
    return done


def test_the_stream_counts_every_step_and_ends_once(toy: Dataset, tiny: ModelSpec) -> None:
    events = list(RECIPE.run(tiny, toy, seed=0))
    steps = [e for e in events if isinstance(e, LossStep)]
    epochs = [e for e in events if isinstance(e, EpochDone)]
    assert [e.done for e in steps] == list(range(1, 25))
    assert {e.total for e in steps} == {24}
    assert [(e.epoch, e.done) for e in epochs] == [(1, 6), (2, 12), (3, 18), (4, 24)]
    assert [isinstance(e, Finished) for e in events].count(True) == 1
    assert isinstance(events[-1], Finished)
    for epoch in epochs:
        assert from_json(EpochDone, to_json(epoch)) == epoch
        assert 0 <= epoch.train_accuracy <= 1
        assert epoch.images_per_second > 0


def test_every_epoch_has_its_own_order_and_noise(toy: Dataset, tiny: ModelSpec) -> None:
    still = dataclasses.replace(RECIPE, learning_rate=1e-12, schedule="constant")
    losses = [epoch.loss for epoch in drain(still.run(tiny, toy, seed=0)).history]
    assert len(set(losses)) == 4


def test_the_checkpoint_is_written_before_the_epoch_is_told(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    for event in RECIPE.run(tiny, toy, seed=0, checkpoint=tmp_path):
        if isinstance(event, EpochDone):
            saved = load_checkpoint(tmp_path)
            assert saved is not None
            assert [e["epoch"] for e in saved.state["history"]] == list(range(1, event.epoch + 1))


def test_resuming_is_bit_identical(toy: Dataset, tiny: ModelSpec, tmp_path: Path) -> None:
    straight = drain(RECIPE.run(tiny, toy, seed=0))
    assert len(run_epochs(RECIPE, tiny, toy, tmp_path, 2)) == 2
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    assert len(saved.state["history"]) == 2
    resumed = drain(RECIPE.run(tiny, toy, seed=0, checkpoint=tmp_path, resume=True))
    assert same(straight, resumed)
    assert [e.loss for e in resumed.history] == [e.loss for e in straight.history]
    assert resumed.spec.provenance["threads"] == [torch.get_num_threads()] * 2


def test_resuming_a_finished_training_returns_it(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    trained = drain(RECIPE.run(tiny, toy, seed=0, checkpoint=tmp_path))
    events = list(RECIPE.run(tiny, toy, seed=0, checkpoint=tmp_path, resume=True))
    assert len(events) == 1
    assert isinstance(events[0], Finished)
    assert same(trained, events[0].result)


def test_without_resume_a_training_starts_anew(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    run_epochs(RECIPE, tiny, toy, tmp_path, 2)
    assert len(run_epochs(RECIPE, tiny, toy, tmp_path, 1)) == 1
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    assert len(saved.state["history"]) == 1


@pytest.mark.parametrize("change", [{"sigma": 0.2}, {"epochs": 9}, {"learning_rate": 0.2}])
def test_another_recipe_cannot_resume(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path, change: dict[str, float]
) -> None:
    run_epochs(RECIPE, tiny, toy, tmp_path, 1)
    other = dataclasses.replace(RECIPE, **change)
    with pytest.raises(CheckpointError, match=next(iter(change))):
        drain(other.run(tiny, toy, seed=0, checkpoint=tmp_path, resume=True))
    with pytest.raises(CheckpointError, match="seed 0 against 1"):
        drain(RECIPE.run(tiny, toy, seed=1, checkpoint=tmp_path, resume=True))
    with pytest.raises(CheckpointError, match="data"):
        drain(RECIPE.run(tiny, toy.subset(range(200)), seed=0, checkpoint=tmp_path, resume=True))


def test_another_network_of_the_same_name_cannot_resume(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    run_epochs(RECIPE, tiny, toy, tmp_path, 1)
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    del saved.tensors["network/head.bias"]
    save_checkpoint(tmp_path, saved)
    with pytest.raises(CheckpointError, match="another conv4 than this version's"):
        drain(RECIPE.run(tiny, toy, seed=0, checkpoint=tmp_path, resume=True))


def test_divergence_stops_and_keeps_the_last_good_checkpoint(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    class Explodes(UniversalSigma):
        def batch_loss(
            self, network: NormalizedNetwork, batch: Batch, generator: torch.Generator
        ) -> tuple[Tensor, Tensor]:
            loss, right = super().batch_loss(network, batch, generator)
            bad = (tmp_path / FILE_NAME).exists()
            return loss * (torch.nan if bad else 1.0), right

    recipe = Explodes(**dataclasses.asdict(RECIPE))
    with pytest.raises(ParameterError, match=r"diverged in epoch 2.*last good checkpoint is kept"):
        drain(recipe.run(tiny, toy, seed=0, checkpoint=tmp_path))
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    assert len(saved.state["history"]) == 1
    assert all(bool(t.isfinite().all()) for t in saved.tensors.values())


def test_weights_spoilt_by_an_epochs_last_step_are_not_kept(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    calls: list[int] = []

    class SpoilsStepTwelve(UniversalSigma):
        def batch_loss(
            self, network: NormalizedNetwork, batch: Batch, generator: torch.Generator
        ) -> tuple[Tensor, Tensor]:
            loss, right = super().batch_loss(network, batch, generator)
            calls.append(1)
            zero = next(network.module.parameters()).sum() * 0
            # the root is 0 and finite, its gradient at 0 is not
            return (loss + zero.abs().sqrt() if len(calls) == 12 else loss), right

    recipe = SpoilsStepTwelve(**dataclasses.asdict(RECIPE))
    with pytest.raises(ParameterError, match="diverged in epoch 2"):
        drain(recipe.run(tiny, toy, seed=0, checkpoint=tmp_path))
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    assert len(saved.state["history"]) == 1


def test_a_hopeless_learning_rate_is_named(toy: Dataset, tiny: ModelSpec) -> None:
    recipe = Gaussian(
        epochs=40, learning_rate=100, weight_decay=1.0, batch_size=24, schedule="constant"
    )
    with pytest.raises(ParameterError, match="lower learning_rate=100"):
        drain(recipe.run(tiny, toy, seed=0))


def test_the_result_can_be_saved_and_loaded(toy: Dataset, tiny: ModelSpec, tmp_path: Path) -> None:
    held_out = dataclasses.replace(toy.subset(range(50)), name="fifty held out")
    trained = drain(RECIPE.run(tiny, toy, seed=0, held_out=held_out))
    spec = save_model(trained.module, trained.spec, tmp_path)
    module, read = load_model(tmp_path / spec.weights)
    assert read == from_json(ModelSpec, to_json(spec))
    images = torch.rand(3, 1, 8, 8)
    assert torch.equal(module(images), trained.module(images))
    assert spec.train_sigma == (0.0, 0.3)
    facts = spec.provenance
    assert facts["recipe"] == "UniversalSigma"
    assert facts["settings"]["batch_size"] == 40
    assert facts["accuracy_measured_on"] == "fifty held out train"
    assert (facts["data"], facts["images"], facts["seed"]) == ("toy train", 240, 0)


def test_checkpoints_are_kept_within_an_epoch(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    kept = []
    for event in RECIPE.run(tiny, toy, seed=0, checkpoint=tmp_path, keep_every=0.0):
        saved = load_checkpoint(tmp_path)
        kept.append(saved.state["step"] if saved else 0)
        if event.done == 9:
            break
    assert kept[:5] == [0, 1, 2, 3, 4]  # a step is kept once it has been told
    again = load_checkpoint(tmp_path)
    assert again is not None
    assert again.state["step"] == 9


def test_cancelling_on_a_full_disk_keeps_the_checkpoint_before(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = iter(RECIPE.run(tiny, toy, seed=0, checkpoint=tmp_path))
    while not isinstance(next(stream), EpochDone):
        pass
    next(stream)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    stream.close()  # type: ignore[attr-defined]
    monkeypatch.undo()
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    assert saved.state["step"] == 6


def test_a_disk_that_fills_stops_the_training(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_epochs(RECIPE, tiny, toy, tmp_path, 1)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"epoch 2 cannot be written.*No space left"):
        drain(RECIPE.run(tiny, toy, seed=0, checkpoint=tmp_path, resume=True))
    monkeypatch.undo()
    straight = drain(RECIPE.run(tiny, toy, seed=0))
    assert same(straight, drain(RECIPE.run(tiny, toy, seed=0, checkpoint=tmp_path, resume=True)))


def test_a_checkpoint_of_another_version_or_recipe_is_refused(
    toy: Dataset, tiny: ModelSpec, tmp_path: Path
) -> None:
    run_epochs(RECIPE, tiny, toy, tmp_path, 1)
    other = Gaussian(sigma=0.3, epochs=4, batch_size=40, precision="fp32", weight_average=0.9)
    with pytest.raises(CheckpointError, match="by UniversalSigma, not by Gaussian"):
        drain(other.run(tiny, toy, seed=0, checkpoint=tmp_path, resume=True))
    saved = load_checkpoint(tmp_path)
    assert saved is not None
    del saved.state["format"]  # as the first version wrote it
    save_checkpoint(tmp_path, saved)
    with pytest.raises(CheckpointError, match=r"another version \(format 1"):
        drain(RECIPE.run(tiny, toy, seed=0, checkpoint=tmp_path, resume=True))
