"""Train with a sigma for every image: asked for, watched, looked at, taken away."""

import csv

from rs_ui.train import files
from tests.pages.conftest import Open
from tests.pages.fake_worker import FakeWorker
from tests.pages.test_train import asked, charts, outcome_of, start


def titles(app) -> list[str]:
    return [title for title in charts(app) if "Sigma of each training image" in title]


def test_by_default_images_have_no_sigmas_of_their_own(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("train")
    assert app.selectbox(key="train_per_image").value == "none"
    start(app)
    assert asked(worker)["config"]["settings"]["per_image"] is None
    assert not titles(app)
    assert not worker.count("training_images")


def test_a_way_brings_its_own_settings(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("train")
    app.selectbox(key="train_per_image").set_value("insta").run()
    assert any("Variances that grow" in caption.value for caption in app.main.caption)
    app.number_input(key="train_per_image_insta_levels").set_value(4).run()
    start(app)
    own = {"name": "insta", "levels": 4, "period": None}
    assert asked(worker)["config"]["settings"]["per_image"] == own


def test_a_link_opens_with_them(open_app: Open, worker: FakeWorker) -> None:
    start(open_app("train", train_per_image="insta", train_per_image_insta_levels="9"))
    assert asked(worker)["config"]["settings"]["per_image"]["levels"] == 9


def test_a_nested_number_out_of_range_starts_nothing(open_app: Open) -> None:
    app = open_app("train", train_per_image="insta")
    app.number_input(key="train_per_image_insta_levels").set_value(1).run()
    assert any(error.value.startswith("levels") for error in app.main.error)
    assert app.button(key="start_train").disabled
    app.selectbox(key="train_per_image").set_value("none").run()
    assert not app.button(key="start_train").disabled


def test_another_recipe_begins_without(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("train", train_per_image="insta")
    app.selectbox(key="train_recipe").set_value("macer").run()
    assert app.selectbox(key="train_per_image").value == "none"
    start(app)
    assert asked(worker)["config"]["settings"]["per_image"] is None


def test_the_histogram_and_the_outermost_images_are_shown(
    open_app: Open, worker: FakeWorker
) -> None:
    app = start(open_app("train", train_per_image="insta"))
    assert len(titles(app)) == 1
    shown = [fields["indices"] for verb, fields in worker.calls if verb == "training_images"]
    assert shown == [[5, 7], [9, 0]]
    slider = next(s for s in app.main.select_slider if s.key.startswith("sigmas_"))
    assert slider.value == 8
    slider.set_value(2).run()
    assert worker.count("training_images") == 2  # they are known


def test_images_that_cannot_be_shown_hide_nothing_else(open_app: Open, worker: FakeWorker) -> None:
    worker.refuse["training_images"] = "MNIST does not come along."
    app = start(open_app("train", train_per_image="insta"))
    assert any("does not come along" in error.value for error in app.main.error)
    assert len(titles(app)) == 1


def test_the_history_has_their_mean(open_app: Open, worker: FakeWorker) -> None:
    start(open_app("train", train_per_image="insta"))
    rows = list(csv.DictReader(files.history_tsv(outcome_of(worker)).splitlines(), delimiter="\t"))
    assert [float(row["sigma_mean"]) for row in rows[:2]] == [0.26, 0.27]
    assert {(row["sigma_levels"], row["seconds_assigning"]) for row in rows} == {("2", "0.25")}


def test_teaching_hides_them(open_app: Open) -> None:
    app = open_app("train", teach="true")
    assert not [box for box in app.main.selectbox if box.key == "train_per_image"]
