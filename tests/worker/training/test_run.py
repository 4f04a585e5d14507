"""Trainings in the worker: their outcome, their end, and what they leave on disk."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch

from rs_core.cli.choices import ModelChoice
from rs_core.datasets import load_dataset
from rs_core.errors import NotFoundError, RsError
from rs_core.events import drain
from rs_core.results import from_json
from rs_core.results.training import TrainingOutcome
from rs_core.statistics import l2_radius, lower_confidence_bound
from rs_core.store import owner_id
from rs_core.training import RECIPES
from rs_core.training.checkpoints.files import load_checkpoint
from rs_core.training.checkpoints.sigma_file import read_sigmas, sigma_file
from rs_core.worker.datasets import gathered
from tests.worker.conftest import Office
from tests.worker.test_runs import restarted
from tests.worker.training_office import CONFIG, SETTINGS, epochs_of, probes, train, until_epoch


@pytest.fixture
def office(tmp_path: Path, tiny: Path) -> Iterator[Office]:
    """A worker whose turns are one step each: these trainings would end in a single usual one."""
    made = Office(tmp_path / "home", tiny, turn_seconds=1e-9)
    yield made
    made.store.close()


def outcome_of(office: Office, job: str) -> TrainingOutcome:
    found = office.follow(job)
    assert found["state"] == "finished", found["error"]
    return from_json(TrainingOutcome, found["result"])


def weights_of(office: Office, outcome: TrainingOutcome, owner: str = "ann") -> dict[str, Any]:
    path = office.store.belongings.model(owner_id(owner), outcome.model.partition(":")[2])
    return dict(safetensors.torch.load(path.read_bytes()))


def test_the_network_is_the_recipes_own_bit_for_bit(office: Office) -> None:
    job = train(office)
    office.finish()
    outcome = outcome_of(office, job)
    splits = None
    stream = gathered("digits")
    while splits is None:
        try:
            next(stream)
        except StopIteration as end:
            splits = end.value
    spec = replace(splits.spec, name="x", architecture="mlp")
    trained = drain(
        RECIPES["gaussian"](**SETTINGS).run(spec, splits.train, seed=0, held_out=splits.held_out)
    )
    mine = weights_of(office, outcome)
    theirs = trained.module.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(bool((mine[name] == theirs[name]).all()) for name in theirs)
    assert [e.clean_accuracy for e in outcome.course.epochs] == [
        e.clean_accuracy for e in trained.history
    ]
    assert outcome.spec.train_sigma == (0.25, 0.25)
    assert outcome.spec.provenance["accuracy_measured_on"] == outcome.measured_on
    assert not outcome.stopped


def test_the_confusions_count_every_image_that_was_kept_aside(office: Office) -> None:
    job = train(office, settings={"epochs": 12})
    office.finish()
    outcome = outcome_of(office, job)
    clean, noisy = outcome.confusions
    assert (clean.noise, noisy.noise) == (0.0, 0.25)
    true = np.bincount(load_dataset("digits", split="test").labels).tolist()
    for confusion in (clean, noisy):
        assert [sum(row) for row in confusion.counts] == true  # rows are true classes
    right = sum(clean.counts[k][k] for k in range(10))
    assert right / 360 == pytest.approx(outcome.course.epochs[-1].clean_accuracy, abs=0.02)
    assert right > 180


def test_probes_are_certified_after_every_epoch_at_their_share_of_alpha(office: Office) -> None:
    images = probes(office)
    labels = [image["label"] for image in images]
    job = train(office, probes=[image["image"] for image in images], labels=labels)
    office.finish()
    course = outcome_of(office, job).course
    assert (course.sigma, course.n, course.alpha, course.planned) == (0.25, 60, 1e-3, 2)
    best = l2_radius(0.25, lower_confidence_bound(60, 60, 1e-3 / (2 * 2 * 2)))
    for probe, image in zip(course.probes, images, strict=True):
        assert (probe.image, probe.name) == (image["image"], image["name"])
        assert probe.label == image["label"]
        assert [point.epoch for point in probe.points] == [1, 2]
        for point in probe.points:
            assert 0 <= point.lower <= best * (1 + 1e-12)
            assert not point.most < point.lower


def test_the_model_is_its_owners_and_every_other_run_can_use_it(office: Office) -> None:
    image = probes(office, 1)[0]["image"]
    job = train(office, probes=[image])
    office.finish()
    model = outcome_of(office, job).model
    assert list(office.ask("models")["models"]) == [model]
    asked = office.start(model=model, image=image, kind="certify", config={"sigma": 0.25, "n": 50})
    office.finish()
    found = office.follow(asked)
    assert found["state"] == "finished"
    assert found["questions"] == 2  # the probe's last point was one
    assert office.ask("models", "bob")["models"] == {}
    with pytest.raises(NotFoundError):
        office.ask("model_files", "bob", model=model)
    files = office.ask("model_files", model=model)
    assert files["spec"]["weights"] == f"digits-mlp-gaussian-s025-{files['spec']['sha256'][:8]}" + (
        ".safetensors"
    )
    assert office.ask("upload_model", **files)["spec"]["name"] == "digits-mlp-gaussian-s025"


def test_a_network_that_is_told_sigma_is_told_it_everywhere(office: Office) -> None:
    job = train(
        office, architecture="conv4-sigma", recipe="universal_sigma",
        probes=[probes(office, 1)[0]["image"]], settings={"epochs": 1, "batch_size": 512},
    )  # fmt: skip
    office.finish()
    outcome = outcome_of(office, job)
    assert outcome.spec.train_sigma == (0.0, 0.25)
    assert len(outcome.course.probes[0].points) == 1
    assert len(outcome.confusions) == 2


def test_a_finished_training_leaves_no_checkpoint_and_is_found_again(office: Office) -> None:
    job = train(office)
    folder = office.store.folder(job) / "checkpoint"
    until_epoch(office, job, 1)
    assert load_checkpoint(folder) is not None
    assert train(office) == job
    office.finish()
    assert not folder.exists()
    assert train(office) == job
    assert train(office, seed=1) != job
    assert office.ask("runs")["runs"][-1]["kind"] == "train"


def test_it_goes_on_from_its_checkpoint_in_the_next_process(office: Office) -> None:
    image = probes(office, 1)[0]["image"]
    undisturbed = train(office, "bob", probes=[probes(office, 1, "bob")[0]["image"]])
    office.finish()
    whole = from_json(TrainingOutcome, office.follow(undisturbed, "bob")["result"])
    job = train(office, probes=[image])
    before = until_epoch(office, job, 1)["step"]["course"]
    later = restarted(office)
    later.desk.opener.adopt_all()
    while later.follow(job)["step"] is None or not later.follow(job)["step"]["course"]["epochs"]:
        assert later.bench.turn()
    assert later.follow(job)["step"]["epoch"] == 2
    later.finish()
    outcome = outcome_of(later, job)
    mine, theirs = weights_of(later, outcome), weights_of(later, whole, "bob")
    assert all(bool((mine[name] == theirs[name]).all()) for name in theirs)
    assert outcome.course.probes == whole.course.probes
    assert outcome.course.epochs[0].seconds == before["epochs"][0]["seconds"]
    later.store.close()


def test_a_step_under_way_is_kept_when_the_app_is_closed(office: Office) -> None:
    job = train(office)
    until_epoch(office, job, 1)
    for _ in range(3):
        office.bench.turn()
    done = office.follow(job)["done"]
    office.bench.stop()
    office.bench.work()
    saved = load_checkpoint(office.store.folder(job) / "checkpoint")
    assert saved is not None
    assert (saved.state["step"], done) == (14, 14)


def test_what_was_cancelled_goes_on_as_the_same_run(office: Office) -> None:
    job = train(office)
    until_epoch(office, job, 1)
    office.ask("cancel", job=job)
    assert office.follow(job)["state"] == "cancelled"
    assert load_checkpoint(office.store.folder(job) / "checkpoint") is not None
    assert not office.bench.turn()
    assert office.ask("resume", job=job)["state"] == "queued"
    assert epochs_of(until_epoch(office, job, 1)) == 1
    office.finish()
    assert outcome_of(office, job).course.epochs[-1].epoch == 2
    with pytest.raises(NotFoundError):
        office.ask("resume", "bob", job=job)


def test_what_has_ended_early_still_shows_its_course(office: Office) -> None:
    image = probes(office, 1)[0]["image"]
    job = train(office, probes=[image])
    before = until_epoch(office, job, 1)["step"]["course"]
    assert len(before["probes"][0]["points"]) == 1
    office.ask("cancel", job=job)
    office.bench.turn()
    assert office.follow(job)["step"] == {"course": before}
    later = restarted(office)
    assert later.follow(job)["step"] == {"course": before}
    for file in (office.store.folder(job) / "checkpoint").iterdir():
        file.write_bytes(b"broken")
    assert later.follow(job)["step"] is None
    later.store.close()


def test_a_training_that_diverged_shows_where(office: Office) -> None:
    settings = {"learning_rate": 100.0, "schedule": "cosine", "epochs": 30, "warm_up": 3}
    job = train(office, settings=settings)
    office.finish()
    found = office.follow(job)
    assert found["state"] == "failed"
    losses = [epoch["loss"] for epoch in found["step"]["course"]["epochs"]]
    assert max(losses) > 1e3


def test_a_training_of_another_process_shows_its_state_alone(office: Office) -> None:
    job = train(office)
    until_epoch(office, job, 1)
    beside = Office(office.store.home, office.weights)
    found = beside.follow(job)
    assert (found["state"], found["step"]) == ("running", None)
    beside.store.close()


def test_what_was_cancelled_in_the_queue_has_nothing_to_show(office: Office) -> None:
    job = train(office)
    office.ask("cancel", job=job)
    assert office.follow(job)["step"] is None


def test_only_trainings_go_on_after_a_cancel(office: Office) -> None:
    job = office.start()
    office.ask("cancel", job=job)
    assert office.ask("resume", job=job)["state"] == "cancelled"


def test_a_training_that_nobody_follows_goes_on(office: Office) -> None:
    watched, alone = office.start(), train(office)
    office.now = 500
    office.finish()
    assert office.store.read(watched).progress.state == "paused"
    assert office.store.read(alone).progress.state == "finished"


def test_it_pauses_and_resumes(office: Office) -> None:
    job = train(office)
    until_epoch(office, job, 1)
    assert office.ask("pause", job=job)["state"] == "paused"
    assert not office.bench.turn()
    office.ask("resume", job=job)
    office.finish()
    assert outcome_of(office, job).course.planned == 2


def test_an_epoch_forgives_the_deaths_before_it(office: Office) -> None:
    job = train(office)
    run = office.store.read(job)
    office.bench.get(job).progress = replace(run.progress, strikes=2)
    until_epoch(office, job, 1)
    kept = office.store.read(job).progress
    assert (kept.strikes, kept.done, kept.state) == (0, 11, "running")


def test_trainings_take_turns_and_starve_no_certificate(office: Office) -> None:
    long = {"epochs": 1000}
    first, second = train(office, settings=long), train(office, seed=1, settings=long)
    until_epoch(office, first, 1)
    until_epoch(office, second, 1)
    done = [office.follow(job)["done"] for job in (first, second)]
    certified = office.start(kind="certify", config={"sigma": 0.25, "n": 100})
    for _ in range(4):
        office.bench.turn()
    assert office.follow(certified)["state"] == "finished"
    for _ in range(12):
        office.bench.turn()
    assert all(office.follow(j)["done"] > d for j, d in zip((first, second), done, strict=True))


def test_the_budget_ends_it_with_an_epoch_and_says_so(office: Office) -> None:
    job = train(office, minutes=1e-9, settings={"epochs": 50})
    office.finish()
    outcome = outcome_of(office, job)
    assert len(outcome.course.epochs) == 1
    assert "1e-09 minutes was spent after epoch 1 of 50" in outcome.stopped
    assert outcome.spec.provenance["stopped"] == outcome.stopped
    assert outcome.model in office.ask("models")["models"]


def test_a_rate_that_explodes_ends_it_in_a_sentence(office: Office) -> None:
    job = train(office, settings={"learning_rate": 100.0, "schedule": "cosine", "epochs": 30})
    office.finish()
    found = office.follow(job)
    assert found["state"] == "failed"
    assert "not finite" in found["error"]
    assert "learning_rate" in found["error"]


def test_a_disk_that_fills_ends_it_and_keeps_what_there_was(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = train(office)
    until_epoch(office, job, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("rs_core.training.checkpoints.files.write_durably", full)
        office.finish()
    found = office.follow(job)
    assert (found["state"], "No space left" in found["error"]) == ("failed", True)
    office.ask("resume", job=job)
    office.finish()
    assert outcome_of(office, job).course.epochs[-1].epoch == 2


def test_forgetting_leaves_nothing_of_a_training_under_way(office: Office) -> None:
    job = train(office, settings={"epochs": 1000})
    until_epoch(office, job, 1)
    assert office.ask("forget") == {"runs": 1}
    office.finish()
    assert not office.store.folder(job).exists()
    with pytest.raises(NotFoundError):
        office.follow(job)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset": "mnist"}, "RS_DATA"),
        ({"dataset": "nothing"}, "unknown data set 'nothing'"),
        ({"dataset": "plane", "architecture": "conv4", "settings": {"epochs": 0}}, "epochs=0"),
        ({"architecture": "conv5"}, "Did you mean 'conv4'"),
        ({"recipe": "gauss"}, "gaussian"),
        ({"recipe": "dual_rs", "settings": {"sigma": 1.0}}, "choose one as base"),
        ({"base": "mnist-conv4"}, "the recipe gaussian needs none"),
        ({"recipe": "dual_rs", "base": "mnist-conv4", "settings": {"sigma": 1.0}}, "told other"),
        ({"recipe": "dual_rs", "base": "no", "settings": {"sigma": 1.0}}, "unknown model 'no'"),
        ({"recipe": "dual_rs", "base": "mnist-conv4", "settings": {"sigma": 0.5}}, "largest of"),
        ({"recepi": "gaussian"}, "Did you mean 'recipe'"),
        ({"settings": {"sigm": 1}}, "'sigm' is no setting of gaussian"),
        ({"settings": {"epochs": 0}}, "epochs=0"),
        ({"settings": {"epochs": 1001}}, "at most 1000 here"),
        ({"settings": {"batch_size": 1438}}, "larger than the 1,437 images"),
        ({"settings": {"learning_rate": 0}}, "learning_rate=0"),
        ({"settings": [1]}, "must be an object"),
        ({"minutes": -1}, "minutes=-1"),
        ({"probes": "x"}, "must be a list of image ids"),
        ({"probes": ["a"] * 2}, "each once"),
        ({"probes": [f"{k}" for k in range(9)]}, "the limit is 8"),
        ({"probes": ["a"], "labels": [10]}, "a class from 0 to 9"),
        ({"probes": ["a"], "labels": []}, "a class from 0 to 9"),
        ({"probes": ["0" * 32]}, "image not found"),
    ],
)
def test_what_makes_no_sense_is_refused_before_it_starts(
    office: Office, changes: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RS_DATA", raising=False)
    settings = changes.get("settings", {})
    config = CONFIG | changes
    config["settings"] = SETTINGS | settings if isinstance(settings, dict) else settings
    with pytest.raises(RsError) as refused:
        office.ask("start", kind="train", config=config)
    assert words in str(refused.value)
    assert office.ask("runs") == {"runs": []}


def test_probes_that_could_never_be_certified_are_refused(office: Office) -> None:
    image = probes(office, 1)[0]["image"]
    with pytest.raises(RsError, match="sigma is 0"):
        train(office, probes=[image], settings={"sigma": 0})
    with pytest.raises(RsError, match="n=10 can never certify"):
        train(office, probes=[image], probe_n=10)
    with pytest.raises(RsError, match="the network takes"):
        train(office, probes=[office.image()])
    assert office.ask("runs") == {"runs": []}


def test_a_probe_that_is_deleted_later_is_no_matter(office: Office) -> None:
    image = probes(office, 1)[0]["image"]
    job = train(office, probes=[image])
    for item in office.store.belongings.items():
        office.store.belongings.delete(item)
    office.finish()
    assert outcome_of(office, job).course.probes[0].image == image


def test_of_a_set_without_a_test_split_a_part_is_kept_aside(office: Office) -> None:
    shown = office.ask("held_out_images", set="mnist5k", count=7)
    assert [image["index"] for image in shown["images"]] != []
    described = {one["name"]: one for one in office.ask("describe")["trainable_sets"]}
    assert (described["mnist5k"]["train"], described["mnist5k"]["held_out"]) == (4000, 1000)
    assert (described["digits"]["train"], described["digits"]["held_out"]) == (1437, 360)
    stream, splits = gathered("mnist5k"), None
    while splits is None:
        try:
            next(stream)
        except StopIteration as end:
            splits = end.value
    assert (len(splits.train), len(splits.held_out)) == (4000, 1000)
    assert not set(splits.train.digests()) & set(splits.held_out.digests())


def test_a_course_is_json_and_says_where_the_run_is(office: Office) -> None:
    job = train(office)
    found = until_epoch(office, job, 1)
    json.dumps(found, allow_nan=False)
    step = found["step"]
    assert (step["epoch"], step["phase"], step["course"]["planned"]) == (2, "training", 2)
    assert step["images_per_second"] > 0
    alone = 128 * (found["total"] - found["done"]) / step["images_per_second"]
    assert step["seconds_left"] > alone  # it measures after every epoch, too
    assert found["about"]["config"]["settings"]["epochs"] == 2


def test_every_command_takes_the_run_for_a_model(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = train(office)
    monkeypatch.setenv("RS_HOME", str(office.store.home))
    with pytest.raises(RsError, match="is queued"):
        ModelChoice(model=job).load()
    office.finish()
    classifier = ModelChoice(model=job, device="cpu", precision="fp32").load()
    assert classifier.spec.name == "digits-mlp-gaussian-s025"
    assert [path.suffix for path in ModelChoice(model=job).files()] == [".safetensors", ".json"]
    with pytest.raises(RsError, match="no weights at 'nothing-of-this-name'"):
        ModelChoice(model="nothing-of-this-name").load()


def test_sigmas_of_the_images_lie_beside_the_network(office: Office) -> None:
    own = {"name": "insta", "levels": 4}
    job = train(office, settings=SETTINGS | {"per_image": own})
    office.finish()
    outcome = outcome_of(office, job)
    assert outcome.spec.name == "digits-mlp-gaussian-insta-s025"
    path = office.store.belongings.model(owner_id("ann"), outcome.model.partition(":")[2])
    sigmas = read_sigmas(sigma_file(path), outcome.spec.provenance["data_sha256"])
    spread = outcome.course.epochs[-1].sigmas
    assert spread is not None
    assert spread.mean == pytest.approx(sigmas.mean())
    files = office.ask("model_files", model=outcome.model)
    assert base64.b64decode(files["sigmas"]) == sigma_file(path).read_bytes()
    index, least = spread.smallest[0]
    shown = office.ask("training_images", set="digits", indices=[index, 0])["images"]
    assert [one["index"] for one in shown] == [index, 0]
    assert sigmas[index] == least
    assert shown[0]["thumbnail"].startswith("data:image/png;base64,")


PICKER = {
    "sigma": 0.5, "sigmas": [0.05, 0.5], "radius_n": 40, "radius_alpha": 0.05, "temperature": 0.1,
    "agreement": 1.0,
}  # fmt: skip


def test_a_picker_learns_the_radii_of_a_network_that_was_trained_here(office: Office) -> None:
    first = train(office)
    office.finish()
    base = outcome_of(office, first).model
    job = train(office, recipe="dual_rs", base=base, settings=PICKER)
    office.finish()
    outcome = outcome_of(office, job)
    assert outcome.spec.class_names == ("sigma 0.05", "sigma 0.5")
    assert np.array(outcome.confusions[0].counts).shape == (2, 2)
    assert outcome.spec.provenance["targets"].startswith("radii of digits-mlp-gaussian-s025-")
    again = train(office, recipe="dual_rs", base=base, settings=PICKER)
    assert again == job
    with pytest.raises(NotFoundError):
        train(office, "bob", recipe="dual_rs", base=base, settings=PICKER)


def test_radii_that_are_finished_are_not_asked_again(office: Office) -> None:
    first = train(office)
    office.finish()
    base = outcome_of(office, first).model
    job = train(office, recipe="dual_rs", base=base, settings=PICKER)
    until_epoch(office, job, 1)
    folder = office.store.folder(job) / "checkpoint"
    assert len(list(folder.glob("radii-*.npz"))) == 2
    office.ask("cancel", job=job)
    office.ask("resume", job=job)
    office.finish()
    assert outcome_of(office, job).spec.class_names == ("sigma 0.05", "sigma 0.5")


def test_a_network_without_them_has_no_such_file(office: Office) -> None:
    job = train(office)
    office.finish()
    assert "sigmas" not in office.ask("model_files", model=outcome_of(office, job).model)


@pytest.mark.parametrize(
    ("indices", "said"),
    [
        ([1437], "index 1437 is out of range: digits has 1,437"),
        ([-1], "whole numbers from 0"),
        ([], "holds 0 numbers"),
        ([0] * 65, "holds 65 numbers"),
        (["0"], "whole numbers from 0"),
    ],
)
def test_training_images_that_are_not_there(office: Office, indices: Any, said: str) -> None:
    with pytest.raises(RsError, match=said):
        office.ask("training_images", set="digits", indices=indices)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("insta", 'must be an object with a "name": one of data_dependent, pretrain_finetune'),
        ({"name": "x"}, 'must be an object with a "name"'),
        ({"name": "insta", "n": "8"}, "n='8' is not a number"),
        ({"name": "insta", "per_image": {}}, "'per_image' is no setting of insta"),
        ({"name": "insta", "levels": 1}, "levels=1"),
    ],
)
def test_nested_settings_are_checked(office: Office, own: Any, said: str) -> None:
    with pytest.raises(RsError, match=said):
        train(office, settings=SETTINGS | {"per_image": own})
