import io
import json
import re
from urllib.parse import parse_qs

import pytest

from rs_core.logs import read_log
from rs_core.results import from_json
from rs_core.results.comparison import Comparison
from rs_ui.compare import files
from tests.pages.conftest import OWNER, Open
from tests.pages.fake_worker import MODELS, FakeWorker

DEFAULT = ["fixed", "grid", "greedy_grid", "gradient", "multistart"]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def start(app):
    return app.button(key="start_compare").click().run()


def asked(worker: FakeWorker) -> dict:
    return next(f for verb, f in worker.calls[::-1] if verb == "start" and f["kind"] == "compare")


def follow_link(app) -> None:
    (link,) = [x.proto for x in app.main.get("page_link") if "Sigma sweep" in x.proto.label]
    app.query_params["take"] = parse_qs(link.query_string)["take"][0]
    app.switch_page("pages/sweep.py").run()
    assert not app.exception
    assert app.title[0].value == "Which noise level suits this image?"
    assert "take" not in app.query_params


def tables(app) -> list[dict[str, list[str]]]:
    """The tables of the page, column by column."""
    found = []
    for body in (h.proto.body for h in app.main.get("html") if "<table" in h.proto.body):
        rows = [re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("<tr>")[1:]]
        found.append({name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])})
    return found


def test_the_default_is_twenty_images_and_five_methods(open_app: Open, worker: FakeWorker) -> None:
    app = start(open_app("compare"))
    assert not app.exception
    sent = asked(worker)
    assert len(sent["images"]) == 20
    methods = sent["config"]["methods"]
    assert [m["selector"] for m in methods] == DEFAULT
    assert [m["guarantee"] for m in methods] == ["global_sigma", *["frozen"] * 4]
    assert methods[0]["settings"] == {"sigma": 0.25}
    assert (sent["config"]["n"], sent["config"]["n0"], sent["config"]["alpha"]) == (1000, 100, 1e-3)
    assert "picked" not in sent["config"]
    assert sent["config"]["sigmas"]
    assert "5 methods" not in sent["config"]


def test_the_cost_is_said_before_the_start(open_app: Open) -> None:
    app = open_app("compare")
    (cost,) = [c.value for c in app.main.caption if "forward passes" in c.value]
    each = 5 * 1100 + 10 * 1000 + 200 + 100 + 16 * 500 + 6 * 1100
    assert f"20 images: at most {20 * each:,} forward passes" in cost


def test_what_a_start_would_refuse_is_said_before_it(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("compare")
    app.number_input(key="compare_n").set_value(3).run()
    (said,) = (error.value for error in app.main.error)
    assert "n=3 can never certify" in said.replace("\\", "")
    assert app.button(key="start_compare").disabled
    assert not [c for c in app.main.caption if "forward passes" in c.value]
    app.number_input(key="compare_n").set_value(500).run()
    assert not app.main.error
    app.number_input(key="compare_n").set_value(3)
    before = worker.count("start")
    start(app)  # typed just before the click, and drawn with the button still open
    assert worker.count("start") == before
    assert len(app.main.error) == 1


def test_a_finished_comparison_stands_badge_by_badge(open_app: Open) -> None:
    app = start(open_app("compare"))
    certified, frozen, apart = tables(app)
    assert list(certified["method"]) == ["fixed"]
    assert list(frozen["method"]) == ["grid", "greedy grid", "gradient", "multistart"]
    assert list(certified["error of each statement"]) == ["alpha = 0.001"]
    assert apart["what"][1].startswith("oracle")
    badges = [h.proto.body for h in app.main.get("html")]
    assert any("A Certified" in body for body in badges)
    captions = [c.value for c in app.main.caption]
    assert any("The oracle is not a defence" in text for text in captions)
    assert sum("20 images of MNIST test, index" in text for text in captions) >= 3
    charts = [json.loads(c.proto.spec)["layout"]["title"]["text"] for c in app.get("plotly_chart")]
    assert charts[0] == "The certificate is true, and the class flips"
    assert charts[1:3] == ["Certified radius by method", "Where each method put its sigma"]
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))


def test_one_image_is_no_plural(open_app: Open) -> None:
    app = open_app("compare", compare_source="This image")
    assert any(c.value.startswith("1 image: at most") for c in app.main.caption)


def test_other_controls_than_the_runs_are_named(open_app: Open) -> None:
    def others() -> list[str]:
        return [i.value for i in app.main.info if "than the controls show now" in i.value]

    app = start(open_app("compare"))
    assert not others()
    app.number_input(key="compare_n").set_value(2000).run()
    assert "has other settings than" in others()[0]
    start(app)
    assert not others()
    app.segmented_control(key="compare_source").set_value("Presets").run()
    assert "has other images than" in others()[0]
    assert tables(app)


def test_a_switch_adds_a_row_of_badge_a(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("compare")
    app.toggle(key="compare_multistart_stronger").set_value(True).run()
    assert not [
        t
        for t in app.main.toggle
        if t.key in ("compare_gradient_stronger", "compare_greedy_grid_stronger")
    ]
    app.toggle(key="compare_fixed_stronger").set_value(True).run()
    start(app)
    rows = [(m["selector"], m["guarantee"]) for m in asked(worker)["config"]["methods"]]
    assert rows[:2] == [("fixed", "global_sigma"), ("fixed", "cascade")]
    assert rows[-2:] == [("multistart", "frozen"), ("multistart", "grid_minimum")]
    badge_a = ["fixed", "fixed, cascade", "multistart, grid minimum"]
    assert list(tables(app)[0]["method"]) == badge_a


def test_the_table_grows_method_by_method(open_app: Open, worker: FakeWorker) -> None:
    worker.steps = 10**6
    app = start(open_app("compare"))
    assert [list(t["method"]) for t in tables(app)] == [["fixed"], ["grid"]]
    assert all("error of each statement" not in t for t in tables(app))
    assert any("grid picks" in c.value for c in app.main.caption)
    job = app.query_params["run"]
    app.button(key=f"pause_{job}").click().run()
    app.button(key=f"resume_{job}").click().run()
    app.button(key=f"cancel_{job}").click().run()
    assert worker.jobs[job]["state"] == "cancelled"
    assert any("Cancelled after" in info.value for info in app.main.info)
    assert not tables(app)


def test_a_failed_run_says_why(open_app: Open, worker: FakeWorker) -> None:
    worker.steps = 10**6
    app = start(open_app("compare"))
    worker.jobs[app.query_params["run"]] |= {"state": "failed", "error": "memory: take fewer."}
    assert "take fewer" in app.run().main.error[0].value


def test_a_reload_finds_the_run_and_a_stranger_does_not(open_app: Open, worker: FakeWorker) -> None:
    job = start(open_app("compare")).query_params["run"]
    again = open_app("compare", run=job)
    assert len(tables(again)) == 3
    other = open_app("compare", owner="b" * 64, run=job)
    assert "belongs to somebody else" in other.main.error[0].value
    assert not tables(other)


def test_looking_at_a_finished_run_asks_for_nothing_again(
    open_app: Open, worker: FakeWorker
) -> None:
    app = start(open_app("compare"))
    job = app.query_params["run"]
    verbs = ("follow", "image", "images_of_set", "start")
    before = {verb: worker.count(verb) for verb in verbs}
    app.selectbox(key=f"compare_image_{job}").select_index(3).run()
    assert not app.exception
    assert {verb: worker.count(verb) for verb in verbs} == before
    assert any("image mnist5k 150" in h.proto.body for h in app.main.get("html"))


def test_one_click_opens_the_image_in_the_sweep(open_app: Open, worker: FakeWorker) -> None:
    app = start(open_app("compare"))
    job = app.query_params["run"]
    app.selectbox(key=f"compare_image_{job}").select_index(2).run()
    follow_link(app)
    subject = app.session_state["_subject"]
    assert subject.image == asked(worker)["images"][2]
    assert subject.label == 3
    app.button(key="start_sweep").click().run()
    sweep = next(f for verb, f in worker.calls[::-1] if verb == "start")
    assert (sweep["kind"], sweep["image"]) == ("sweep", subject.image)
    app.sidebar.segmented_control(key="source").set_value("Preset").run()
    assert app.session_state["_subject"].name == "digit-3"


def test_a_link_to_an_image_that_was_not_offered_is_left_alone(open_app: Open) -> None:
    app = start(open_app("compare"))
    app.query_params["take"] = "0123"
    app.switch_page("pages/sweep.py").run()
    assert "take" not in app.query_params
    assert app.session_state["_subject"].name == "digit-3"


def test_a_taken_image_of_another_size_is_explained(open_app: Open, worker: FakeWorker) -> None:
    app = start(open_app("compare"))
    follow_link(app)
    app.sidebar.selectbox(key="model").set_value("cifar10-conv4").run()
    assert not app.exception
    assert "was read for another network" in app.sidebar.error[0].value


def test_own_files_are_read_one_by_one(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("compare", compare_source="Your files")
    assert app.button(key="start_compare").disabled
    chooser = app.main.file_uploader(key="compare_files_0")
    for name, data in (("six.png", PNG), ("bad.png", b"junk"), ("two.png", PNG)):
        chooser.upload(name, data, "image/png")
    app.run()
    assert "bad\\.png is not a supported image" in app.main.error[0].value
    start(app)
    assert len(asked(worker)["images"]) == 2
    before = worker.count("decode")
    app.run()
    assert worker.count("decode") == before


def test_presets_and_the_sidebars_image(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("compare", compare_source="Presets")
    assert app.pills(key="compare_presets").value == ["digit-3", "digit-9"]
    start(app)
    assert len(asked(worker)["images"]) == 2
    app.segmented_control(key="compare_source").set_value("This image").run()
    start(app)
    assert asked(worker)["images"] == [app.session_state["_subject"].image]


def test_without_a_fitting_data_set_it_says_how_to_get_one(open_app: Open) -> None:
    app = open_app("compare", image="cat")
    assert any("RS_DATA" in info.value for info in app.main.info)
    assert app.button(key="start_compare").disabled
    assert "knn" not in app.pills(key="compare_methods").options
    assert any("knn" in m.value and "rs select" in m.value for m in app.main.markdown)


def test_knn_takes_reference_images_of_the_right_size(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("compare")
    app.pills(key="compare_methods").set_value(["knn"]).run()
    assert app.selectbox(key="compare_knn_dataset").options == ["mnist5k"]
    start(app)
    assert asked(worker)["config"]["methods"][0]["settings"]["dataset"] == "mnist5k"
    app.toggle(key="compare_knn_stronger").set_value(True).run()
    start(app)
    rows = [(m["guarantee"]) for m in asked(worker)["config"]["methods"]]
    assert rows == ["frozen", "sukenik"]


def test_no_method_and_too_many_rows_cannot_start(open_app: Open) -> None:
    app = open_app("compare")
    app.pills(key="compare_methods").set_value([]).run()
    assert app.button(key="start_compare").disabled
    assert any("one method at least" in info.value for info in app.main.info)


def test_a_refusal_stands_beside_the_form(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("compare")
    worker.refuse["start"] = "20 runs are open already: wait for one of them."
    start(app)
    assert "20 runs are open already" in app.main.error[0].value
    worker.refuse = {"images_of_set": "MNIST does not come along: let RS_DATA name it."}
    app.number_input(key="compare_count").set_value(7).run()
    assert "does not come along" in app.main.error[0].value
    assert app.button(key="start_compare").disabled


def test_a_refusal_ends_with_the_settings_that_were_refused(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app("compare")
    worker.refuse["start"] = "n=1 can never certify: give n of at least 10."
    start(app)
    app.run()
    assert "can never certify" in app.main.error[0].value
    app.number_input(key="compare_n").set_value(2000).run()
    assert not app.main.error
    start(app)
    assert "can never certify" in app.main.error[0].value


def test_without_curves_there_is_no_oracle(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("compare")
    app.toggle(key="compare_curves").set_value(False).run()
    start(app)
    assert asked(worker)["config"]["sigmas"] == []
    assert len(tables(app)) == 2
    assert not any("oracle" in c.value for c in app.main.caption)


def test_teaching_says_what_the_oracle_is_and_spares_the_settings(open_app: Open) -> None:
    app = open_app("compare", teach="true")
    assert not [n for n in app.main.number_input if n.key.startswith("compare_grid")]
    start(app)
    told = [i.value for i in app.main.info if i.icon == ":material/school:"]
    assert any("The oracle is not a defence" in text for text in told)


@pytest.fixture
def finished(open_app: Open, worker: FakeWorker) -> dict:
    job = start(open_app("compare")).query_params["run"]
    return worker.call("follow", owner=OWNER, job=job)


def test_downloads_parse_and_agree(finished: dict) -> None:
    comparison = from_json(Comparison, finished["result"])
    text = files.tsv_text(comparison)
    rows = read_log(io.StringIO(text))
    assert len(rows) == 5 * 20
    assert [r.radius for r in rows] == [
        c.radius for m in comparison.methods for c in m.certificates
    ]
    assert text.splitlines()[1].endswith("\tfixed")
    assert [row.name for row in rows[:20]] == list(comparison.names)
    assert {(row.dataset, row.split, row.command) for row in rows} == {("MNIST", "test", "rs app")}
    report = files.report_text(comparison, MODELS["mnist-conv4"], finished["about"])
    assert report.startswith("<!DOCTYPE html>")
    assert "Index set: 20 images of MNIST test" in report
