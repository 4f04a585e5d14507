import html
import io
import json
import re

import numpy as np
import pytest

from rs_core import __version__
from rs_core.results import from_json
from rs_core.results.crossings import crossing_report
from rs_core.results.sandwich import SandwichStrip
from rs_ui.sandwich import files, view
from tests.pages.conftest import OWNER, Open
from tests.pages.fake_worker import MODELS, FakeWorker

FOUR = {"sandwich_source": "Data set", "sandwich_count": "4"}


def start(app):
    return app.button(key="start_sandwich").click().run()


def asked(worker: FakeWorker) -> dict:
    return next(f for verb, f in worker.calls[::-1] if verb == "start" and f["kind"] == "sandwich")


def drawn(app) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in app.main.get("plotly_chart")]


def bodies(app) -> str:
    """All of the page's own HTML as text."""
    found = re.sub("<[^>]*>", " ", " ".join(h.proto.body for h in app.main.get("html")))
    return html.unescape(" ".join(found.split()))


def captions(app) -> str:
    return " ".join(c.value for c in app.main.caption)


def test_nothing_is_asked_before_a_click(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("sandwich")
    assert app.title[0].value == "How robust is this image, really?"
    assert any("No sandwich yet" in info.value for info in app.main.info)
    assert not [f for v, f in worker.calls if v == "start" and f["kind"] == "sandwich"]
    assert not drawn(app)


def test_the_default_is_the_sidebars_image_by_epgd(open_app: Open, worker: FakeWorker) -> None:
    app = start(open_app("sandwich"))
    assert not app.exception
    sent = asked(worker)
    assert sent["images"] == [app.session_state["_subject"].image]
    config = sent["config"]
    assert (config["sigma"], config["selector"], config["pipeline"]) == (0.25, None, False)
    assert (config["steps"], config["draws"], config["eps"], config["n"]) == (40, 16, 3.0, 10_000)
    assert (config["alpha"], config["alpha_attack"], config["rounds"]) == (1e-3, 1e-3, 12)
    known = {f["name"] for f in worker.describe()["forms"]["sandwich"]}
    assert set(config) == known | {"selector"}


def test_pgd_takes_one_copy_a_step(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("sandwich")
    app.segmented_control(key="sandwich_attack").set_value("PGD").run()
    assert not [n for n in app.main.number_input if n.key == "sandwich_draws"]
    start(app)
    config = asked(worker)["config"]
    assert (config["attack"], config["draws"]) == ("minimal", 1)
    app.segmented_control(key="sandwich_attack").set_value("Square").run()
    start(app)
    assert asked(worker)["config"]["attack"] == "square"


def test_the_ranges_are_the_pages_own(open_app: Open) -> None:
    app = open_app("sandwich")
    for name, low, high in (("steps", 10, 200), ("draws", 1, 128)):
        for value, said in ((low - 1, 1), (low, 0), (high, 0), (high + 1, 1)):
            app.number_input(key=f"sandwich_{name}").set_value(value).run()
            assert sum("is out of range" in e.value for e in app.main.error) == said
        app.number_input(key=f"sandwich_{name}").set_value(low).run()
    app.segmented_control(key="sandwich_source").set_value("Data set").run()
    assert app.number_input(key="sandwich_count").max == 50


def test_the_cost_is_said_before_the_start(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("sandwich", **FOUR)
    start(app)
    judged = (2 * 12 + 8 + 13) * 128
    attack = 16 + 3 * 13 * 40 * 16 + judged + 8 * 1000
    assert f"4 images: at most {4 * (10_100 + attack):,} forward passes" in captions(app)


def test_a_selector_brings_the_second_row(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("sandwich")
    assert not [t for t in app.main.toggle if t.key == "sandwich_pipeline"]
    app.segmented_control(key="sandwich_level").set_value("Picked for each image").run()
    assert "fixed" not in app.selectbox(key="sandwich_selector").options
    before = re.search(r"most ([\d,]+)", captions(app))
    app.toggle(key="sandwich_pipeline").set_value(True).run()
    after = re.search(r"most ([\d,]+)", captions(app))
    assert before is not None
    assert after is not None
    assert int(after[1].replace(",", "")) > 2 * int(before[1].replace(",", "")) - 21_000
    start(app)
    assert not app.exception
    config = asked(worker)["config"]
    assert config["sigma"] is None
    assert config["selector"]["selector"] == "grid"
    assert config["selector"]["settings"]["interval"] == 0.1
    assert (config["pipeline"], config["reselect"]) == (True, 10)
    text = bodies(app)
    assert "C Fixed sigma" in text
    assert "Frozen at σ = 0.5" in text
    assert "The system that picks σ again · nothing certified; an attack end only" in text
    assert text.count("Confirmed: an image at ℓ2 distance") == 2


def test_other_controls_than_the_runs_are_named(open_app: Open, worker: FakeWorker) -> None:
    def others() -> list[str]:
        said = [re.search("run below has (.*) than the controls", i.value) for i in app.main.info]
        return [found[1] for found in said if found]

    app = open_app("sandwich")
    assert not others()
    start(app)
    assert not others()
    app.number_input(key="sandwich_eps").set_value(2.0).run()
    assert others() == ["other settings"]
    app.sidebar.number_input(key="seed").set_value(5).run()
    assert others() == ["another seed and other settings"]
    start(app)
    assert not others()
    app.sidebar.selectbox(key="image").set_value("digit-9").run()
    assert others() == ["other images"]
    assert drawn(app)
    app.sidebar.selectbox(key="model").set_value("cifar10-conv4").run()
    app.sidebar.number_input(key="alpha").set_value(0.01).run()
    assert others() == ["other images, another network and another alpha"]
    worker.steps = 10**6
    start(app)
    assert not others()
    app.segmented_control(key="sandwich_level").set_value("Picked for each image").run()
    assert others() == ["other settings"]


def test_a_selector_that_picks_too_slowly_is_not_attacked(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app("sandwich")
    app.segmented_control(key="sandwich_level").set_value("Picked for each image").run()
    app.number_input(key="sandwich_grid_n").set_value(2000).run()
    assert not app.button(key="start_sandwich").disabled
    app.toggle(key="sandwich_pipeline").set_value(True).run()
    assert app.button(key="start_sandwich").disabled
    (said,) = (error.value for error in app.main.error)
    assert said.replace("\\", "") == (
        "grid takes 20,000 copies for each choice of σ, and that attack picks σ many times: the "
        "limit is 10,000. Give the selector fewer copies, choose another one, or do not attack "
        "the system that picks σ again."
    )


def test_a_finished_sandwich_says_both_ends_and_their_level(
    open_app: Open, worker: FakeWorker
) -> None:
    app = start(open_app("sandwich"))
    assert len(drawn(app)) == 1
    assert all(chart.proto.alt for chart in app.main.get("plotly_chart"))
    result = worker.call("follow", owner=OWNER, job=app.query_params["run"])["result"]
    (one,) = from_json(SandwichStrip, result).sandwiches
    assert 0 < one.lower < one.upper
    text = bodies(app)
    assert "Frozen at σ = 0.25" in text
    assert "A Certified" in text
    assert "D Empirical" in text
    assert "Confirmed: an image at ℓ2 distance" in text
    assert "confirmed too" in text
    assert re.search("2 class 8 600 of 1,000", text)
    assert re.search("3: the 8-bit image class 8", text)
    level = "α of the certificate + α of the confirmations = 0.001 + 0.001 = 0.002"
    assert level in captions(app).replace("\\", "")
    shown = [image.proto.imgs[0].caption for image in app.main.image]
    assert shown[:2] == ["image", "change × 10"]
    assert shown[2].startswith("adversarial, ℓ2")
    assert not app.main.error


def test_the_strip_is_looked_at_by_ascending_gap(open_app: Open, worker: FakeWorker) -> None:
    worker.cases = ["none", "usual", "unconfirmed", "abstain"]
    app = start(open_app("sandwich", **FOUR))
    job = app.query_params["run"]
    chooser = app.selectbox(key=f"sandwich_image_{job}")
    assert [label.partition(":")[0] for label in chooser.options] == [
        f"index {place}" for place in (1, 3, 0, 2)
    ]
    before = {verb: worker.count(verb) for verb in ("follow", "start", "images_of_set")}
    chooser.select_index(3).run()
    assert not app.exception
    assert {verb: worker.count(verb) for verb in before} == before
    assert "Unconfirmed: the attack's own copies" in bodies(app)
    assert "It does not count" in bodies(app)
    assert "≤ true radius; one found, none confirmed · ℓ2, pixels of [0,1]" in bodies(app)


def test_what_was_not_found_is_never_called_safe(open_app: Open, worker: FakeWorker) -> None:
    worker.cases = ["none"]
    app = start(open_app("sandwich"))
    text = bodies(app)
    assert "None found up to ℓ2 distance 3 (pixels of [0,1]): not safe, only not found." in text
    assert "Confirmed" not in text
    assert not app.main.error


def test_an_abstention_certifies_nothing(open_app: Open, worker: FakeWorker) -> None:
    worker.cases = ["abstain"]
    text = bodies(start(open_app("sandwich")))
    assert "Nothing certified" in text
    assert "nothing certified; confirmed attack at" in text
    assert "≤ true radius" not in text


def test_a_misclassified_image_has_the_upper_end_zero(open_app: Open, worker: FakeWorker) -> None:
    worker.cases = ["misclassified"]
    app = start(open_app("sandwich", **FOUR))
    assert "Upper bound 0: the image is misclassified as it is" in bodies(app)
    assert "3 of 4 certified; 3 with a confirmed attack; 1 misclassified" in " ".join(
        m.value.replace("\\", "") for m in app.main.markdown
    )


def test_crossing_ends_are_red_with_diagnostics(open_app: Open, worker: FakeWorker) -> None:
    worker.cases = ["usual", "crossing"]
    app = start(open_app("sandwich", **FOUR))
    box, warning = app.main.error
    assert "quote neither of them" in warning.value
    assert "Inconsistent: alpha event, different classifier, or bug" in box.value.replace("\\", "")
    assert "mnist5k 50" in box.value
    assert "weights w, image d, seeds 0 and 0" in captions(app).replace("\\", "")
    facts = " ".join(m.value for m in app.main.markdown).replace("\\", "")
    assert "lies above the confirmed attack" in facts
    assert "No difference between what the ends concern" in facts
    assert "Chance explains 0.008 crossings among 4 images" in facts
    labels = [b.proto.label for b in app.main.get("download_button")]
    assert "The whole run, for a bug report" in labels
    job = app.query_params["run"]
    assert app.selectbox(key=f"sandwich_image_{job}").options[0].startswith("index 1: inconsistent")


def test_no_box_where_nothing_crosses(open_app: Open, worker: FakeWorker) -> None:
    app = start(open_app("sandwich", **FOUR))
    assert not app.main.error
    labels = [b.proto.label for b in app.main.get("download_button")]
    assert labels == ["TSV", "JSON", "Report", "Images"]


def test_both_ends_are_drawn_while_it_runs(open_app: Open, worker: FakeWorker) -> None:
    worker.steps = 10**6
    app = start(open_app("sandwich", **FOUR))
    assert len(drawn(app)) == 1
    assert "attacking · 4 images" in captions(app)
    job = app.query_params["run"]
    app.button(key=f"pause_{job}").click().run()
    app.button(key=f"resume_{job}").click().run()
    app.button(key=f"cancel_{job}").click().run()
    assert worker.jobs[job]["state"] == "cancelled"
    assert any("Cancelled after" in info.value for info in app.main.info)
    assert not drawn(app)


def test_a_failed_run_says_why(open_app: Open, worker: FakeWorker) -> None:
    worker.steps = 10**6
    app = start(open_app("sandwich"))
    worker.jobs[app.query_params["run"]] |= {"state": "failed", "error": "memory: take fewer."}
    assert "take fewer" in app.run().main.error[0].value


def test_a_refusal_stands_beside_the_form_until_it_is_changed(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app("sandwich")
    worker.refuse["start"] = "the network gives no gradients: take the attack square."
    start(app)
    assert "gives no gradients" in app.main.error[0].value
    app.number_input(key="sandwich_steps").set_value(50).run()
    assert not app.main.error


def test_a_reload_finds_the_run_and_a_stranger_does_not(open_app: Open) -> None:
    job = start(open_app("sandwich")).query_params["run"]
    again = open_app("sandwich", run=job)
    assert "Frozen at" in bodies(again)
    other = open_app("sandwich", owner="b" * 64, run=job)
    assert "belongs to somebody else" in other.main.error[0].value
    assert not drawn(other)


def test_the_run_of_another_page_is_refused(open_app: Open) -> None:
    app = open_app("sweep")
    app.button(key="start_sweep").click().run()
    other = open_app("sandwich", run=app.query_params["run"])
    assert "no sandwich" in other.main.error[0].value


def test_teaching_says_where_the_truth_lies_and_spares_the_settings(open_app: Open) -> None:
    app = open_app("sandwich", teach="true")
    told = [i.value for i in app.main.info if i.icon == ":material/school:"]
    assert any("Truth is between the bars" in text for text in told)
    assert not [n for n in app.main.number_input if n.key == "sandwich_rounds"]
    assert not [i for i in open_app("sandwich").main.info if i.icon == ":material/school:"]


def test_an_image_that_was_deleted_is_said(open_app: Open, worker: FakeWorker) -> None:
    job = start(open_app("sandwich")).query_params["run"]
    worker.refuse["image"] = "image not found: it was deleted."
    again = open_app("sandwich", run=job)
    assert "image not found" in again.main.error[0].value
    assert "Frozen at" in bodies(again)


@pytest.fixture
def finished(open_app: Open, worker: FakeWorker):
    worker.cases = ["usual", "none", "unconfirmed", "crossing"]
    job = start(open_app("sandwich", **FOUR)).query_params["run"]
    return files.Status(
        **{
            name: value
            for name, value in worker.call("follow", owner=OWNER, job=job).items()
            if name in files.Status.__dataclass_fields__
        }
    )


def test_sigma_after_other_looks_at_the_image_has_badge_c(
    open_app: Open, worker: FakeWorker
) -> None:
    """As Start says it: who has seen other radii of the image may have picked this sigma."""
    fixed = "σ: fixed ·"
    app = start(open_app("sandwich"))
    assert fixed in captions(app)
    assert "A Certified" in bodies(app)
    open_app(sigma="0.5")
    app = open_app("sandwich", run=app.query_params["run"])
    assert fixed not in captions(app)
    assert "after other radii of such an image were looked at" in captions(app)
    shown = bodies(app)
    assert "A Certified" not in shown
    assert "one of 2 looks at noise levels and seeds" in shown


def test_downloads_parse_and_agree(finished) -> None:
    strip = from_json(SandwichStrip, finished.result)
    text = files.tsv_text(strip)
    header, *lines = [line.split("\t") for line in text.splitlines()]
    named = [dict(zip(header, line, strict=True)) for line in lines]
    assert [row["upper"] for row in named] == [
        repr(strip.sandwiches[0].upper), "", "", repr(strip.sandwiches[3].upper),
    ]  # fmt: skip
    assert [row["lower"] for row in named] == [repr(s.lower) for s in strip.sandwiches]
    assert [row["hollow"] != "" for row in named] == [False, False, True, False]
    assert [row["consistent"] for row in named] == ["1", "1", "1", "0"]
    told = json.loads(files.json_text(strip))
    assert told.pop("crossing_report") == crossing_report(strip)
    assert (told.pop("command"), told.pop("version")) == ("rs app", __version__)
    assert (told.pop("dataset"), told.pop("split")) == ("MNIST", "test")
    assert told == {k: v for k, v in finished.result.items() if k != "dataset"}
    assert [row["name"] for row in named] == [one.name for one in strip.sandwiches]
    assert {row["bound"] for row in named} == {"clopper-pearson"}
    held = np.load(io.BytesIO(files.npz_bytes(strip)))
    assert held["frozen_index"].tolist() == [0, 2, 3]
    assert held["frozen_confirmed"].tolist() == [True, False, True]
    np.testing.assert_array_equal(held["frozen"][1], strip.sandwiches[2].attack.adversarial)
    report = files.report_text(finished, strip, MODELS["mnist-conv4"])
    assert report.startswith("<!DOCTYPE html>")
    assert '"seed": 0' in report.replace("&quot;", '"')


def test_the_bundle_of_a_bug_report_repeats_the_run(finished, worker: FakeWorker) -> None:
    report = crossing_report(from_json(SandwichStrip, finished.result))
    told = json.loads(view.bundle_text(finished, OWNER, report))
    assert [one["name"] for one in told["report"]["crossings"]] == ["mnist5k 150"]
    assert told["result"] == finished.result
    assert told["about"]["config"] == finished.about["config"]
    first = from_json(np.ndarray, told["images"][0])
    assert first.shape == (1, 28, 28)
    worker.refuse["image"] = "image not found: it was deleted."
    again = json.loads(view.bundle_text(finished, OWNER, report))
    assert again["images"] == [None] * 4
