import pytest

from tests.pages.conftest import Open
from tests.pages.fake_worker import FakeWorker


def card(app) -> str:
    return app.main.get("html")[0].proto.body


def test_a_preset_is_certified_without_a_click(open_app: Open, worker: FakeWorker) -> None:
    app = open_app()
    assert "A Certified" in card(app)
    assert "class 3, which is the true class" in card(app)
    assert len(app.get("plotly_chart")) == 2
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))
    asked = next(fields for verb, fields in worker.calls if verb == "start")
    assert asked["kind"] == "certify"
    assert asked["config"]["alpha"] == 0.001


def test_a_rerun_asks_for_nothing_again(open_app: Open, worker: FakeWorker) -> None:
    app = open_app()
    before = {verb: worker.count(verb) for verb in ("decode", "start", "noise")}
    app.run()
    assert {verb: worker.count(verb) for verb in before} == before


def test_a_rerun_in_the_middle_of_a_start_loses_nothing(open_app: Open, worker: FakeWorker) -> None:
    worker.interrupts = 1
    assert "A Certified" in card(open_app())
    assert len(worker.jobs) == 1


def test_nothing_is_asked_before_the_browser_has_named_its_key(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app(owner=None)
    assert not worker.calls
    assert not app.get("html")


def test_a_refused_start_is_explained_and_the_last_result_stays(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app()
    worker.refuse["start"] = "20 runs are open already: wait for one of them."
    app.select_slider(key="sigma").set_value(0.5).run()
    assert "20 runs are open already" in app.error[0].value
    assert "A Certified" in card(app)


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_run_that_ended_without_a_result_says_so(
    open_app: Open, worker: FakeWorker, state: str
) -> None:
    worker.steps = 10**6
    app = open_app()
    (job,) = worker.jobs.values()
    job |= {"state": state, "error": "failed: memory: choose a smaller network."}
    app.run()
    told = [*app.error, *app.info]
    assert "memory" in told[0].value if state == "failed" else "Cancelled" in told[0].value


def test_an_abstention_is_shown_as_one(open_app: Open, worker: FakeWorker) -> None:
    worker.margin = -1.0
    app = open_app()
    assert "Nothing certified" in card(app)
    assert "A Certified" not in card(app)
