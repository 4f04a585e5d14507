import csv
import io
import json
from dataclasses import replace

import pytest

from rs_core import __version__
from rs_core.logs import read_log
from rs_core.results import RadiusCurve, from_json
from rs_ui.runs.session import Subject
from rs_ui.runs.status import Status
from rs_ui.sweep import files
from tests.pages.conftest import Open
from tests.pages.fake_worker import MODELS, SIGMAS, FakeWorker


def start(app):
    return app.button(key="start_sweep").click().run()


def test_the_form_comes_from_the_description(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("sweep")
    assert app.text_input(key="sweep_sigmas").value == "0.05, 0.12, 0.25, 0.5, 1, 1.5"
    app.number_input(key="sweep_n").set_value(0).run()
    assert any("give a number of at least 1" in error.value for error in app.main.error)
    assert {w.key for w in app.main.toggle} == {
        "sweep_simultaneous", "sweep_recertify"
    }  # fmt: skip
    assert "alpha" not in [w.key for w in app.main.number_input]
    app.text_input(key="sweep_sigmas").set_value("0,25").run()
    assert any("Decimals have a point" in error.value for error in app.main.error)
    app.text_input(key="sweep_sigmas").set_value("0.5, 0.25").run()
    app.number_input(key="sweep_n").set_value(500).run()
    start(app)
    config = next(f["config"] for verb, f in worker.calls[::-1] if verb == "start")
    assert config == {
        "sigmas": (0.5, 0.25), "n": 500, "n0": 100, "alpha": 0.001, "noise": "exact",
        "bound": "clopper-pearson", "simultaneous": True, "recertify": True,
    }  # fmt: skip


def test_a_finished_sweep_shows_curve_votes_slider_card_and_downloads(open_app: Open) -> None:
    app = start(open_app("sweep"))
    assert not app.exception
    assert "C Fixed sigma" in app.main.get("html")[0].proto.body
    specs = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    assert len(specs) == 3
    assert len(specs[1]["layout"]["sliders"][0]["steps"]) == len(SIGMAS)
    assert {b.label for b in app.get("download_button")} == {"CSV", "TSV", "JSON", "Report"}
    assert any("picked for this very image" in c.value for c in app.main.caption)


def test_a_rerun_in_the_middle_of_a_start_does_not_lose_the_click(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app("sweep")
    worker.interrupts = 1
    start(app)
    assert app.get("download_button")
    assert sum(f["kind"] == "sweep" for verb, f in worker.calls if verb == "start") == 2
    assert app.query_params["run"] in worker.jobs


def test_a_live_sweep_shows_the_band_and_its_controls(open_app: Open, worker: FakeWorker) -> None:
    worker.steps = 10**6
    app = start(open_app("sweep"))
    (chart,) = app.get("plotly_chart")
    assert "anytime-valid band" in chart.proto.spec
    job = app.query_params["run"]
    app.button(key=f"pause_{job}").click().run()
    assert app.button(key=f"resume_{job}")
    app.button(key=f"resume_{job}").click().run()
    app.button(key=f"cancel_{job}").click().run()
    assert worker.jobs[job]["state"] == "cancelled"
    assert any("Cancelled" in info.value for info in app.main.info)
    assert not app.get("plotly_chart")


def test_a_reload_finds_the_run_by_its_address(open_app: Open, worker: FakeWorker) -> None:
    worker.steps = 10**6
    job = start(open_app("sweep")).query_params["run"]
    again = open_app("sweep", run=job)
    assert again.get("plotly_chart")
    assert again.button(key=f"cancel_{job}")


def test_a_copied_run_opens_nothing_for_another_browser(open_app: Open, worker: FakeWorker) -> None:
    job = start(open_app("sweep")).query_params["run"]
    other = open_app("sweep", owner="b" * 64, run=job)
    assert "belongs to somebody else" in other.main.error[0].value
    assert not other.get("plotly_chart")
    assert "run" not in other.query_params


def test_a_curve_of_another_image_is_named_as_such(open_app: Open) -> None:
    app = start(open_app("sweep"))
    app.sidebar.selectbox(key="image").set_value("digit-9").run()
    assert "This curve is of digit" in app.main.warning[0].value
    assert len(app.get("plotly_chart")) == 3


@pytest.mark.parametrize("text", ["", "a", "0.1, -1", "0", "nan", "1e9", "0.1 " * 65])
def test_bad_noise_levels_are_explained_and_cannot_start(open_app: Open, text: str) -> None:
    app = open_app("sweep")
    app.text_input(key="sweep_sigmas").set_value(text).run()
    assert not app.exception
    assert app.main.error[0].value.endswith(".")
    assert app.button(key="start_sweep").disabled


def test_what_was_typed_just_before_the_click_is_what_runs(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app("sweep")
    app.number_input(key="sweep_n").set_value(500)
    start(app)
    app.text_input(key="sweep_sigmas").set_value("0.4")
    start(app)
    asked = [f["config"] for verb, f in worker.calls if verb == "start"][-2:]
    assert [config["n"] for config in asked] == [500, 500]
    assert asked[1]["sigmas"] == (0.4,)
    app.text_input(key="sweep_sigmas").set_value("none")
    before = worker.count("start")
    start(app)
    assert worker.count("start") == before
    assert len(app.get("plotly_chart")) == 3


def test_a_refusal_stands_beside_the_form_and_the_last_curve_stays(
    open_app: Open, worker: FakeWorker
) -> None:
    app = start(open_app("sweep"))
    worker.refuse["start"] = "n=3 can never certify: give n of at least 7."
    start(app)
    assert "give n of at least 7" in app.main.error[0].value
    assert len(app.get("plotly_chart")) == 3


@pytest.fixture
def finished(open_app: Open, worker: FakeWorker) -> tuple[Subject, dict]:
    app = start(open_app("sweep"))
    job = app.query_params["run"]
    held: Subject = app.session_state["_asked"][job]
    return held, worker.call("follow", owner="a" * 64, job=job)["result"]


def test_downloads_parse_and_agree(finished: tuple[Subject, dict]) -> None:
    subject, result = finished
    curve = from_json(RadiusCurve, result)
    subject = replace(subject, name="=cmd|'/c calc'!A1")
    status = Status(
        "finished",
        result=result,
        seconds=1.0,
        about={"origin": {"dataset": "MNIST test", "index": 20}},
    )
    rows = list(csv.DictReader(io.StringIO(files.csv_text(curve, subject, status.about))))
    log = read_log(io.StringIO(files.tsv_text(curve, subject, status)))
    radii = [c.radius for c in curve.certificates]
    assert [float(row["radius"]) for row in rows] == [*radii, curve.best.radius]
    assert [row.radius for row in log] == radii
    assert log[0].label == 3
    assert {(row.idx, row.dataset, row.split, row.name) for row in log} == {
        (20, "MNIST", "test", subject.name)
    }
    assert {row["name"] for row in rows} == {f"'{subject.name}"}
    assert {row["command"] for row in rows} == {"rs app"}
    told = json.loads(files.json_text(subject, status))
    assert from_json(RadiusCurve, told) == curve
    assert (told["index"], told["dataset"], told["split"]) == (20, "MNIST", "test")
    assert (told["name"], told["version"]) == (subject.name, __version__)
    report = files.report_text(curve, subject, [[[[0.0] * 28] * 28]] * len(radii))
    assert report.startswith("<!DOCTYPE html>")
    assert MODELS["mnist-conv4"].name in report


def test_changed_settings_are_said_beside_the_old_curve(open_app: Open) -> None:
    app = open_app("sweep")
    app.button(key="start_sweep").click().run()
    assert not [i for i in app.main.info if "have changed since" in i.value]
    app.main.number_input(key="sweep_n").set_value(3000).run()
    assert [i for i in app.main.info if "have changed since" in i.value]
    app.button(key="start_sweep").click().run()
    assert not [i for i in app.main.info if "have changed since" in i.value]


def test_a_run_of_another_kind_is_not_found_and_not_kept(
    open_app: Open, worker: FakeWorker
) -> None:
    open_app()
    (job,) = worker.jobs
    app = open_app("sweep", run=job)
    assert "of another page" in app.main.error[0].value
    app.switch_page("pages/start.py").run()
    app.switch_page("pages/sweep.py").run()
    assert not app.exception
    assert not app.main.error
