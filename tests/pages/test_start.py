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
    assert all("<style>" in html.proto.body for html in app.get("html"))


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


def cards(app) -> list[str]:
    return [body for one in app.main.get("html") if "radius" in (body := one.proto.body)]


def text(app) -> str:
    shown = [*app.main.markdown, *app.main.caption]
    return "\n".join(one.value for one in shown).replace("\\", "")


def test_the_first_noise_level_has_badge_a(open_app: Open) -> None:
    app = open_app()
    assert "A Certified" in card(app)
    assert not [one for one in app.button if one.key == "fresh_draws"]


def test_from_the_second_noise_level_on_the_card_says_that_it_was_picked(
    open_app: Open, worker: FakeWorker
) -> None:
    app = open_app()
    app.select_slider(key="sigma").set_value(0.5).run()
    for level in (0.5, 0.25):  # and the first one, too, is picked among two now
        app.select_slider(key="sigma").set_value(level).run()
        assert "C Fixed sigma" in card(app)
        assert "A Certified" not in card(app)
        assert "P(this statement is false)" not in card(app)
        assert "one of 2 looks at noise levels and seeds" in card(app)
        assert "P(the largest radius among them is false) \u2264 0.002" in card(app)
    assert "Badge A says that the noise level was fixed before anybody looked" in text(app)
    assert "46 %" in text(app)
    assert len(worker.jobs) == 2  # what was asked is found again


def test_another_seed_is_another_look(open_app: Open) -> None:
    app = open_app()
    app.sidebar.number_input(key="seed").set_value(9).run()
    assert "one of 2 looks" in card(app)


def test_fresh_draws_certify_the_level_that_is_shown(open_app: Open, worker: FakeWorker) -> None:
    app = open_app()
    app.select_slider(key="sigma").set_value(0.5).run()
    button = app.button(key="fresh_draws")
    assert button.label == "Certify \u03c3 = 0.5 on fresh draws"
    assert "Price: 2,100 forward passes" in text(app)
    button.click().run()
    asked = [fields["config"] for verb, fields in worker.calls if verb == "start"][-1]
    assert asked == {"sigma": 0.5, "n": 2000, "picked": True, "alpha": 0.001}
    first, fresh = cards(app)
    assert "one of 2 looks" in first
    assert "C Fixed sigma" in fresh
    assert "P(this statement is false) \u2264 0.001" in fresh
    assert not [one for one in app.button if one.key == "fresh_draws"]
    app.run()
    assert len(cards(app)) == 2
    app.select_slider(key="sigma").set_value(0.75).run()
    assert len(cards(app)) == 1  # the fresh one was of another level
    assert app.button(key="fresh_draws").label == "Certify \u03c3 = 0.75 on fresh draws"


def test_fresh_draws_that_are_refused_say_why(open_app: Open, worker: FakeWorker) -> None:
    app = open_app()
    app.select_slider(key="sigma").set_value(0.5).run()
    worker.refuse["start"] = "20 runs are open already: wait for one of them."
    app.button(key="fresh_draws").click().run()
    assert any("20 runs are open already" in error.value for error in app.error)
    del worker.refuse["start"]
    app.button(key="fresh_draws").click().run()
    assert len(cards(app)) == 2
