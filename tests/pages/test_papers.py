"""The page Papers: what comes along, and a table repeated by a worker that answers at once."""

import json
from pathlib import Path

import pytest

from rs_core.errors import DataError
from rs_core.logs import studies as shipped
from rs_core.results import from_json, to_json
from rs_core.results.paper import RepeatedTable
from rs_ui.papers import files
from tests.pages import fake_papers
from tests.pages.conftest import Open
from tests.pages.fake_worker import FakeWorker

REPEAT = "Repeat a table here"


def start(app):
    return app.button(key="start_paper").click().run()


def asked(worker: FakeWorker) -> dict:
    return next(f for verb, f in worker.calls[::-1] if verb == "start" and f["kind"] == "paper")


def tables(app) -> str:
    """The tables of the page, as HTML."""
    return " ".join(block.proto.body for block in app.main.get("html"))


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of studies with two of them: the second's claim is not told."""
    folder = tmp_path / "studies"
    for name in ("pfat-table6-small", "trial-small"):
        (folder / name).mkdir(parents=True)
        told = to_json(fake_papers.WHOLE)
        if name == "trial-small":
            told["verdicts"][0] |= {"outcome": "cannot be told", "margin": None}
        (folder / name / shipped.RESULT).write_text(json.dumps(told))
    monkeypatch.setattr(shipped, "studies_path", lambda: folder)
    return folder


def test_studies_are_listed_with_how_their_claims_came_out(open_app: Open) -> None:
    app = open_app("papers")
    listed = app.main.get("html")[0].proto.body
    for cell in ("pfat-table6-small", "RS Lab", "A trial", "200 of digits test", "1,000"):
        assert cell in listed
    assert listed.index("pfat-table6-small") < listed.index("trial-small")
    assert any("**1 held**" in m.value for m in app.main.markdown)


def test_a_study_shows_ours_beside_the_published_and_what_each_stands_on(open_app: Open) -> None:
    app = open_app("papers", study="trial-small")
    assert app.selectbox(key="study").value == "trial-small"
    assert any("**1 cannot be told**" in m.value for m in app.main.markdown)
    shown = tables(app)
    for cell in (
        "two exceeds one", "+0.1000", "A Certified", "C Fixed sigma", "abcd1234", "0.001",
        "200 images of digits test, index 0, 2, ..., 398 in steps of 2", "PFAT T6",
        "MNIST: 10,000 test images", "not stated", "&lt;b&gt;PFAT&lt;/b&gt;",
    ):  # fmt: skip
        assert cell in shown
    assert "<b>PFAT" not in shown
    (chart,) = app.get("plotly_chart")
    assert chart.proto.alt.startswith("Certified accuracy of 2 rows against radius")
    notes = " ".join(m.value for m in app.main.markdown)
    assert "an odd one" in notes
    assert "\\<i\\>a note" in notes
    assert app.main.code[0].value == "rs paper trial --size small --data FOLDER --seed 7"
    labels = [b.proto.label for b in app.main.get("download_button")]
    assert labels == ["Rows, TSV", "Verdicts, TSV", "Page, HTML", "Everything, JSON"]


def test_an_unknown_study_in_a_link_is_said(open_app: Open) -> None:
    app = open_app("papers", study="trail-small")
    assert "Did you mean 'trial-small'" in app.main.error[0].value.replace("\\", "")
    assert not app.exception


def test_without_studies_the_page_says_so(open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Path:
        raise DataError("none")

    monkeypatch.setattr(shipped, "studies_path", gone)
    app = open_app("papers")
    assert "No study came along" in app.main.info[0].value


def test_the_form_names_the_price_and_what_a_table_is(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("papers", papers_part=REPEAT)
    assert app.selectbox(key="paper_table").value == "trial"  # its data are at hand
    captions = [c.value for c in app.main.caption]
    assert any("2 rows, 1 claim, 200 images with n=1,000" in c for c in captions)
    assert any("at most 200 x 3,300 passes: about 9 s, with no other run" in c for c in captions)
    app.number_input(key="paper_limit").set_value(12).run()
    captions = [c.value for c in app.main.caption]
    assert any("Below 30 images no claim can be told" in c for c in captions)
    assert any("at most 12 x" in c for c in captions)
    assert worker.count("price_table") == 2
    app.run()
    assert worker.count("price_table") == 2


def test_what_is_too_long_or_lacks_data_is_refused_before_start(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app("papers", papers_part=REPEAT, paper_size="paper")
    assert "the limit is 100,000,000" in app.main.error[0].value.replace("\\", "")
    assert app.button(key="start_paper").disabled
    app.selectbox(key="paper_table").set_value("pfat-table6").run()
    assert "needs MNIST" in app.main.error[0].value
    assert "RS_DATA" in app.main.error[0].value.replace("\\", "")
    assert app.button(key="start_paper").disabled


def test_a_link_names_a_table_by_its_id_whatever_data_are_at_hand(open_app: Open) -> None:
    app = open_app("papers", papers_part=REPEAT, paper_table="pfat-table6")
    assert app.selectbox(key="paper_table").value == "pfat-table6"
    (error,) = app.main.error
    assert "needs MNIST" in error.value


def test_an_unknown_table_in_a_link_is_said(open_app: Open) -> None:
    app = open_app("papers", papers_part=REPEAT, paper_table="trail")
    assert "Did you mean 'trial'" in app.main.error[0].value
    assert not app.button(key="start_paper").disabled


def test_it_is_watched_row_by_row(open_app: Open, worker: FakeWorker) -> None:
    worker.steps = 10**6
    app = start(open_app("papers", papers_part=REPEAT, seed="5"))
    sent = asked(worker)
    assert sent["config"] == {"table": "trial", "size": "small", "limit": None}
    assert sent["seed"] == 5
    app.run()
    assert any("Row 2 of 2: two: fixed chooses sigma" in c.value.replace("\\", "")
               for c in app.main.caption)  # fmt: skip
    assert "A Certified" in tables(app)
    assert "C Fixed sigma" not in tables(app)
    (progress,) = app.main.get("progress")
    assert "10 of 1,000 forward passes" in progress.proto.text


def test_before_its_first_step_it_says_what_it_reads(open_app: Open, worker: FakeWorker) -> None:
    worker.steps = 10**6
    app = start(open_app("papers", papers_part=REPEAT))
    job = app.query_params["run"]
    worker.jobs[job]["step"] = {"done": 0, "total": 0, "phase": "reading MNIST"}
    app.run()
    assert not app.exception
    assert not app.main.error


def test_pause_cancel_and_resume_as_the_same_run(open_app: Open, worker: FakeWorker) -> None:
    worker.steps = 10**6
    app = start(open_app("papers", papers_part=REPEAT))
    job = app.query_params["run"]
    app.button(key=f"pause_{job}").click().run()
    assert worker.jobs[job]["state"] == "paused"
    app.button(key=f"resume_{job}").click().run()
    app.button(key=f"cancel_{job}").click().run()
    assert any("Every finished image is kept" in info.value for info in app.main.info)
    assert "A Certified" in tables(app)
    app.button(key=f"reopen_{job}").click().run()
    assert worker.jobs[job]["state"] == "running"
    assert app.query_params["run"] == job


def test_a_failed_run_says_why_and_can_go_on(open_app: Open, worker: FakeWorker) -> None:
    worker.steps = 10**6
    app = start(open_app("papers", papers_part=REPEAT))
    job = app.query_params["run"]
    worker.jobs[job] |= {"state": "failed", "error": "the training diverged.", "step": None}
    app.run()
    assert "diverged" in app.main.error[0].value
    assert app.button(key=f"reopen_{job}")


def test_a_finished_run_looks_like_a_study_and_is_found_again(
    open_app: Open, worker: FakeWorker
) -> None:
    app = start(open_app("papers", papers_part=REPEAT))
    job = app.query_params["run"]
    assert any("**1 held**" in m.value for m in app.main.markdown)
    assert "C Fixed sigma" in tables(app)
    assert len(app.main.get("download_button")) == 4
    shared = open_app("papers", run=job)  # a link to the run alone opens its part
    assert any("**1 held**" in m.value for m in shared.main.markdown)
    again = open_app("papers", papers_part=REPEAT)
    assert any("No table is repeated here yet" in info.value for info in again.main.info)
    again.button(key=f"open_{job}").click().run()
    assert again.query_params["run"] == job
    stranger = open_app("papers", owner="b" * 64, run=job)
    assert "belongs to somebody else" in stranger.main.error[0].value
    del worker.jobs[job]
    gone = open_app("papers", run=job)
    assert "was deleted" in gone.main.error[0].value


def test_a_run_of_another_page_is_refused(open_app: Open) -> None:
    sweep = open_app("sweep")
    job = sweep.button(key="start_sweep").click().run().query_params["run"]
    app = open_app("papers", run=job)
    assert "no repeated table" in app.main.error[0].value


def test_a_refused_start_says_why_beside_the_button(open_app: Open, worker: FakeWorker) -> None:
    app = open_app("papers", papers_part=REPEAT)
    worker.refuse["start"] = "20 runs are open already: wait for one of them, or cancel it."
    start(app)
    assert "20 runs are open already" in app.main.error[0].value
    del worker.refuse["start"]
    start(app)
    assert not app.main.error


def test_teaching_explains_and_hides(open_app: Open) -> None:
    app = open_app("papers", teach="true", papers_part=REPEAT)
    assert any("the same images" in info.value for info in app.main.info)
    assert not [n for n in app.main.number_input if n.key == "paper_limit"]
    assert not [c for c in app.main.get("button_group") if "Size" in str(c.proto)]


def test_files_are_those_of_the_command() -> None:
    rows = files.rows_text(fake_papers.WHOLE).splitlines()
    assert len(rows) == 1 + 2 * 2  # each with the published one below it
    assert (
        files.verdicts_text(fake_papers.WHOLE).splitlines()[1].startswith("two exceeds one\theld")
    )
    told = json.loads(json.dumps(to_json(fake_papers.WHOLE)))
    assert from_json(RepeatedTable, told) == fake_papers.WHOLE
