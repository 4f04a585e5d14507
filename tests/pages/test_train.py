import csv
import io
import json
import zipfile

import pytest

from rs_core.results import from_json
from rs_core.results.training import TrainingOutcome
from rs_ui.train import files
from tests.pages import fake_training
from tests.pages.conftest import OWNER, Open
from tests.pages.fake_worker import FakeWorker


def start(app):
    return app.button(key="start_train").click().run()


def asked(worker: FakeWorker) -> dict:
    return next(f for verb, f in worker.calls[::-1] if verb == "start" and f["kind"] == "train")


def charts(app) -> list[str]:
    specs = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    return [spec["layout"]["title"]["text"] for spec in specs]


def outcome_of(worker: FakeWorker) -> TrainingOutcome:
    return fake_training.outcome(asked(worker)["config"])


def test_the_empty_page_says_what_it_would_do_and_cost(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("train")
    assert any("No training is open here" in info.value for info in app.main.info)
    assert any("8 x 4,000 images" in c.value for c in app.main.caption)
    assert any("1,000 others measure" in c.value for c in app.main.caption)
    assert worker.count("start") == 1  # the certificate of the page before


def test_a_start_sends_the_form_and_five_images_beside_the_sidebars(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app("train", train_recipe="smoothadv", train_sigma="0.5", seed="7", alpha="0.01")
    start(app)
    sent = asked(worker)
    config = sent["config"]
    assert (config["dataset"], config["architecture"], config["recipe"]) == (
        "mnist5k", "conv4", "smoothadv"
    )  # fmt: skip
    assert config["settings"] == {
        "sigma": 0.5, "epochs": 8, "batch_size": 128, "per_image": None,
    }  # fmt: skip
    assert (config["minutes"], config["alpha"], sent["seed"]) == (0.0, 0.01, 7)
    assert len(config["probes"]) == len(set(config["probes"])) == 6
    assert config["labels"] == [3] * 6
    assert app.query_params["run"]


def test_a_recipe_that_learns_about_a_network_asks_which(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app("train", train_recipe="dual rs")
    (box,) = [box for box in app.main.selectbox if box.key == "train_base"]
    assert box.value == box.options[0]
    assert any("1,500,000 forward passes for the radii" in c.value for c in app.main.caption)
    start(app)
    assert asked(worker)["config"]["base"] == box.value
    app = open_app("train", train_recipe="dual rs", train_dataset="Digits")
    assert any("No network here knows the classes of Digits" in i.value for i in app.main.info)
    assert not [button for button in app.main.button if button.label == "Start the training"]


def test_another_recipe_brings_its_own_settings(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("train")
    app.number_input(key="train_epochs").set_value(3).run()
    app.selectbox(key="train_recipe").set_value("macer").run()
    start(app)
    chosen = asked(worker)["config"]["settings"]
    assert chosen == {"sigma": 0.25, "epochs": 3, "batch_size": 64, "per_image": None}
    app = open_app("train", train_recipe="macer", train_epochs="3")
    start(app)
    assert asked(worker)["config"]["settings"] == chosen


def test_a_number_out_of_range_starts_nothing(open_app: Open) -> None:
    app = open_app("train")
    app.number_input(key="train_epochs").set_value(0).run()
    assert any("is out of range" in error.value for error in app.main.error)
    assert app.button(key="start_train").disabled
    app.number_input(key="train_epochs").set_value(1).run()
    assert not app.button(key="start_train").disabled
    app.number_input(key="train_minutes").set_value(-5.0).run()
    assert any(error.value.startswith("minutes") for error in app.main.error)
    assert app.button(key="start_train").disabled


def test_a_set_of_another_size_leaves_the_sidebars_image_out(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app("train", train_dataset="Digits", train_count="2")
    assert any("choose a network in the sidebar" in c.value for c in app.main.caption)
    start(app)
    assert len(asked(worker)["config"]["probes"]) == 2


def test_too_many_images_start_nothing(open_app: Open) -> None:
    app = open_app("train", train_count="8")
    assert any("at most 8 can be followed" in error.value for error in app.main.error)
    assert app.button(key="start_train").disabled
    app.toggle(key="train_this").set_value(False).run()
    assert not app.button(key="start_train").disabled


def test_presets_can_be_followed(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("train")
    app.multiselect(key="train_presets").set_value(["digit-9", "cat"]).run()
    start(app)
    assert asked(worker)["config"]["labels"][-2:] == [9, None]


def test_it_is_watched_while_it_learns(open_app: Open, worker: FakeWorker) -> None:
    worker.steps = 10**6
    app = start(open_app("train"))
    app.run()
    numbers = {metric.label: metric.value for metric in app.main.metric}
    assert numbers["Loss so far"] == "1.234"
    assert numbers["Right without noise"] == "50.0%"
    assert numbers["Images a second"] == "2,000"
    assert numbers["Left, with no other run"] == "90 s"
    assert charts(app) == ["Training loss", "Accuracy", "Certified radii while it learns"]
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))
    assert any("Epoch 2 of 8: training" in c.value for c in app.main.caption)
    assert any("probability 0.999 or more" in c.value for c in app.main.caption)
    (progress,) = app.main.get("progress")
    assert "training steps" in progress.proto.text
    assert "left" not in progress.proto.text  # said once, by the training
    assert any("about 16 s at an earlier pace" in c.value for c in app.main.caption)
    band = app.selectbox(key=f"band_{app.query_params['run']}")
    band.set_value(1).run()
    spec = json.loads(app.get("plotly_chart")[2].proto.spec)
    assert spec["data"][1]["name"].startswith("band of 2")


def test_pause_cancel_and_resume_as_the_same_training(open_app: Open, worker: FakeWorker) -> None:
    worker.steps = 10**6
    app = start(open_app("train"))
    job = app.query_params["run"]
    app.button(key=f"pause_{job}").click().run()
    assert worker.jobs[job]["state"] == "paused"
    app.button(key=f"resume_{job}").click().run()
    app.button(key=f"cancel_{job}").click().run()
    assert worker.jobs[job]["state"] == "cancelled"
    assert any("What it had learned is kept" in info.value for info in app.main.info)
    assert charts(app) == ["Training loss", "Accuracy", "Certified radii while it learns"]
    assert not app.main.metric
    app.button(key=f"reopen_{job}").click().run()
    assert worker.jobs[job]["state"] == "running"
    assert app.query_params["run"] == job


def test_a_failed_training_says_why_and_can_go_on(open_app: Open, worker: FakeWorker) -> None:
    worker.steps = 10**6
    app = start(open_app("train"))
    job = app.query_params["run"]
    worker.jobs[job] |= {"state": "failed", "error": "the training diverged: lower learning_rate."}
    app.run()
    assert "lower learning" in app.main.error[0].value
    assert app.button(key=f"reopen_{job}")


def test_a_training_cancelled_in_the_queue_has_nothing_to_export(
    open_app: Open, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.steps = 10**6
    app = start(open_app("train"))
    monkeypatch.setattr(fake_training, "step", lambda *_: None)
    worker.jobs[app.query_params["run"]]["state"] = "cancelled"
    app.run()
    assert any("before it had learned anything" in info.value for info in app.main.info)
    assert not app.main.code
    assert not charts(app)


def test_a_training_that_failed_at_once_is_not_tried_again(
    open_app: Open, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.steps = 10**6
    app = start(open_app("train"))
    monkeypatch.setattr(fake_training, "step", lambda *_: None)
    job = app.query_params["run"]
    worker.jobs[job] |= {"state": "failed", "error": "diverged in epoch 1: start again."}
    app.run()
    assert "diverged" in app.main.error[0].value
    assert not [b for b in app.main.button if b.key == f"reopen_{job}"]


def test_a_finished_training_hands_its_network_to_every_page(
    open_app: Open, worker: FakeWorker
) -> None:
    app = start(open_app("train"))
    assert charts(app)[-1] == "What is taken for what"
    assert len(charts(app)) == 4
    assert any("measured on 1,000 images kept aside" in m.value for m in app.main.markdown)
    assert f"--model={app.query_params['run']}" in app.main.code[0].value
    app.button(key="use_trained").click().run()
    assert app.selectbox(key="model").value == fake_training.TRAINED
    (link,) = app.main.get("page_link")
    assert "which noise level" in link.proto.label
    app.switch_page("pages/sweep.py").run()
    app.button(key="start_sweep").click().run()
    assert not app.exception
    sweeps = [f for verb, f in worker.calls if verb == "start" and f["kind"] == "sweep"]
    assert sweeps[-1]["model"] == fake_training.TRAINED


def test_a_network_that_was_deleted_is_said(
    open_app: Open, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = start(open_app("train"))
    monkeypatch.setattr(worker, "_models", lambda owner: {"models": {}, "unreadable": {}})
    app.button(key="use_trained").click().run()
    assert any("was deleted meanwhile" in error.value for error in app.main.error)


def test_mistakes_with_and_without_noise(open_app: Open) -> None:
    app = start(open_app("train"))
    subtitle = json.loads(app.get("plotly_chart")[3].proto.spec)["layout"]["title"]["subtitle"]
    assert "without noise: 90 of 99 right" in subtitle["text"].replace("<br>", " ")
    job = app.query_params["run"]
    app.segmented_control(key=f"noise_{job}").set_value("under noise").run()
    subtitle = json.loads(app.get("plotly_chart")[3].proto.spec)["layout"]["title"]["subtitle"]
    assert "under noise σ 0.25" in subtitle["text"].replace("<br>", " ")


def test_an_early_end_is_said(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("train")
    app.number_input(key="train_minutes").set_value(1.0).run()
    start(app)
    assert asked(worker)["config"]["minutes"] == 1.0
    assert any("It ended early" in warning.value for warning in app.main.warning)


def test_trainings_are_found_again_by_their_owner_alone(open_app: Open, worker: FakeWorker) -> None:
    job = start(open_app("train")).query_params["run"]
    again = open_app("train")
    assert any("No training is open here" in info.value for info in again.main.info)
    (line,) = [b for b in again.main.button if b.key == f"open_{job}"]
    assert line.label.startswith("\\<b\\>t\\</b\\>")
    line.click().run()
    assert again.query_params["run"] == job
    assert charts(again)
    stranger = open_app("train", owner="b" * 64, run=job)
    assert "belongs to somebody else" in stranger.main.error[0].value
    assert not [b for b in stranger.main.button if str(b.key).startswith("open_")]


def test_a_run_of_another_page_is_refused(open_app: Open, worker: FakeWorker) -> None:
    sweep = open_app("sweep")
    job = sweep.button(key="start_sweep").click().run().query_params["run"]
    app = open_app("train", run=job)
    assert "no training" in app.main.error[0].value


def test_a_refused_start_says_why_beside_the_button(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("train")
    worker.refuse["start"] = "image not found: it was deleted."
    before = worker.count("held_out_images")
    start(app)
    assert "image not found" in app.main.error[0].value
    del worker.refuse["start"]
    app.run()
    assert worker.count("held_out_images") == before + 1
    start(app)
    assert not app.main.error


def test_teaching_explains_and_hides(open_app: Open) -> None:
    app = open_app("train", teach="true")
    assert any("Train at the noise you test" in info.value for info in app.main.info)
    assert not [e for e in app.main.expander if "More settings" in e.label]
    assert not [n for n in app.main.number_input if n.key == "train_minutes"]


def test_files_hold_the_network_and_the_history(open_app: Open, worker: FakeWorker) -> None:
    app = start(open_app("train"))
    labels = [b.proto.label for b in app.main.get("download_button")]
    assert labels == ["Network", "History, TSV", "Everything, JSON"]
    outcome = outcome_of(worker)
    archive = zipfile.ZipFile(io.BytesIO(files.network_zip(OWNER, outcome)))
    assert archive.namelist() == ["trained-1234.safetensors", "trained-1234.json"]
    assert json.loads(archive.read("trained-1234.json"))["name"] == "trained"
    lines = files.history_tsv(outcome).splitlines()
    assert lines[0].split("\t")[:2] == ["epoch", "loss"]
    assert len(lines) == 1 + 8
    rows = list(csv.DictReader(lines, delimiter="\t"))
    course = outcome.course
    for k, probe in enumerate(course.probes, 1):
        for row, point in zip(rows, probe.points, strict=True):
            name = f"{k} ({probe.name})"
            said = -1 if point.predicted is None else point.predicted
            assert int(row[f"class {name}"]) == said
            assert float(row[f"radius {name}"]) == point.lower
            right = "" if probe.label is None else str(int(said == probe.label))
            assert row[f"correct {name}"] == right
    terms = {(row["probe_sigma"], row["probe_n"], row["probe_alpha"]) for row in rows}
    assert terms == {(str(course.sigma), str(course.n), str(course.alpha))}


def test_an_outcome_comes_back_from_json(open_app: Open, worker: FakeWorker) -> None:
    from rs_core.results import to_json

    start(open_app("train"))
    outcome = outcome_of(worker)
    again = from_json(TrainingOutcome, json.loads(json.dumps(to_json(outcome))))
    assert again.course.epochs == outcome.course.epochs
    assert again.confusions == outcome.confusions
