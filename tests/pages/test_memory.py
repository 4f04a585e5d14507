import json

import pytest
from streamlit.testing.v1 import AppTest

from rs_ui.runs import cache
from tests.pages.conftest import OWNER, Open
from tests.pages.fake_points import HASH, PointsWorker

PLANE = "Points in the plane"


@pytest.fixture
def desk(worker, monkeypatch: pytest.MonkeyPatch) -> PointsWorker:
    fake = PointsWorker()
    monkeypatch.setattr(cache, "Worker", lambda: fake)
    return fake


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception, [e.value for e in app.exception]
    return app


def batch(open_app: Open, count: int = 4) -> AppTest:
    app = open_app("memory", points=PLANE)
    app.number_input(key="ball_count").set_value(count)
    return press(app, "add_batch")


def certified(open_app: Open, count: int = 4) -> AppTest:
    return press(batch(open_app, count), "start_points")


def names(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["name"])


def table(app: AppTest) -> list[tuple[str, str]]:
    frame = app.main.expander[-1].dataframe[0].value
    return list(zip(frame["point"], frame["radius"], strict=True))


def words(app: AppTest) -> str:
    return " ".join(m.value for m in app.main.markdown)


def test_an_empty_page_says_what_to_do(open_app: Open, desk: PointsWorker) -> None:
    app = open_app("memory")
    assert "No point yet" in app.main.info[0].value
    assert app.button(key="start_points").disabled
    assert not app.get("plotly_chart")


def test_the_sidebars_image_is_added_once(open_app: Open, desk: PointsWorker) -> None:
    app = press(open_app("memory"), "add_this")
    assert names(app) == ["digit-3"]
    press(app, "add_this")
    assert names(app) == ["digit-3"]
    assert app.main.error[0].value.startswith("1 of 1 was not added")
    app.sidebar.selectbox(key="image").set_value("digit-9").run()
    press(app, "add_this")
    assert names(app) == ["digit-3", "digit-9"]
    assert list(app.dataframe[0].value["true class"]) == ["class 3", "class 9"]
    assert not app.main.error


def test_what_was_typed_just_before_the_click_counts(open_app: Open, desk: PointsWorker) -> None:
    app = batch(open_app, 3)
    assert names(app) == ["plane 0", "plane 1", "plane 2"]
    app.number_input(key="ball_x").set_value(0.25)
    app.number_input(key="ball_y").set_value(1.0)
    press(app, "add_point")
    assert names(app)[-1] == "point (0.25, 1)"


def test_a_refusal_stands_below_the_controls(open_app: Open, desk: PointsWorker) -> None:
    desk.refuse["images_of_set"] = "count=4 is out of range: give less."
    app = batch(open_app)
    assert "give less" in app.main.error[0].value
    del desk.refuse["images_of_set"]
    desk.refuse["start"] = "20 runs are open already: wait for one of them."
    press(press(app, "add_batch"), "start_points")
    assert "wait for one" in app.main.error[0].value


def test_buttons_change_the_order(open_app: Open, desk: PointsWorker) -> None:
    app = batch(open_app)
    point = app.selectbox[[box.label for box in app.selectbox].index("Point to move")]
    point.set_value("id plane 2").run()
    press(app, "ball_up")
    assert names(app) == ["plane 0", "plane 2", "plane 1", "plane 3"]
    press(app, "ball_first")
    press(app, "ball_down")
    press(app, "ball_down")
    assert names(app) == ["plane 0", "plane 1", "plane 2", "plane 3"]
    press(app, "ball_shuffle")
    shuffled = names(app)
    press(press(app, "ball_came"), "ball_shuffle")
    assert names(app) == shuffled
    press(app, "ball_remove")
    assert "plane 2" not in names(app)
    press(app, "ball_clear")
    assert "No point yet" in app.main.info[0].value


def test_points_are_certified_with_the_settings_of_the_form(
    open_app: Open, desk: PointsWorker
) -> None:
    app = batch(open_app)
    app.number_input(key="plane_balls_n").set_value(700)
    press(app, "start_points")
    (asked,) = [f for verb, f in desk.calls if verb == "start" and f["kind"] == "points"]
    assert asked["images"] == [f"id plane {k}" for k in range(4)]
    assert asked["model"] == "plane-mlp"
    assert asked["config"] == {
        "selector": "grid", "settings": {"n": 500}, "n": 700, "alpha": 0.001
    }  # fmt: skip


def test_balls_are_drawn_and_said_to_be_a_preview(open_app: Open, desk: PointsWorker) -> None:
    app = certified(open_app)
    assert len(app.get("plotly_chart")) == 6
    shown = " ".join(html.proto.body for html in app.main.get("html"))
    assert "A preview." in shown
    assert "B Conditional" in shown
    assert "the same answers" in app.main.info[0].value
    assert dict(table(app)) == {
        "plane 0": "0.249", "plane 1": "0.249", "plane 2": "0.00000", "plane 3": "0.06249",
    }  # fmt: skip


def test_another_order_is_compared_in_words_and_drawn(open_app: Open, desk: PointsWorker) -> None:
    app = certified(open_app)
    app.selectbox(key="left_rule").set_value("memory").run()
    point = app.selectbox[[box.label for box in app.selectbox].index("Point to move")]
    point.set_value("id plane 2").run()
    press(app, "ball_first")
    assert "of 4 answers differ" in words(app).replace("\\", "")
    assert dict(table(app))["plane 2"] == "0.249"
    assert len(app.get("plotly_chart")) == 7
    assert app.query_params["order"] == "2-0-1-3"
    orders = [f["order"] for verb, f in desk.calls if verb == "arrange"]
    assert [2, 0, 1, 3] in orders
    before = desk.count("arrange")
    app.run()
    assert desk.count("arrange") == before


def test_two_rules_are_compared(open_app: Open, desk: PointsWorker) -> None:
    app = certified(open_app)
    point = app.selectbox[[box.label for box in app.selectbox].index("Point to move")]
    point.set_value("id plane 2").run()
    press(app, "ball_first")
    app.selectbox(key="left_rule").set_value("online").run()
    app.selectbox(key="right_rule").set_value("label_aware").run()
    assert not app.exception
    assert {f["rule"] for verb, f in desk.calls if verb == "arrange"} == {
        "memory", "online", "strict", "label_aware"
    }  # fmt: skip
    limits = [radius for _, radius in table(app) if radius.startswith("at most")]
    assert len(limits) == sum("not settled" in text for text in frame_why(app))
    assert limits
    assert "not settled" in words(app)


def frame_why(app: AppTest) -> list[str]:
    return list(app.main.expander[-1].dataframe[0].value["why"])


def test_a_new_point_waits_for_its_certificate(open_app: Open, desk: PointsWorker) -> None:
    app = press(certified(open_app, 3), "add_point")
    assert any("1 point not certified yet" in info.value for info in app.main.info)
    assert (
        list(app.dataframe[0].value["its own votes certify (badge C)"])[-1] == "not certified yet"
    )
    point = app.selectbox[[box.label for box in app.selectbox].index("Point to move")]
    point.set_value("id plane 0").run()
    press(app, "ball_remove")
    assert [name for name, _ in table(app)] == ["plane 1", "plane 2"]


def test_changed_settings_are_said(open_app: Open, desk: PointsWorker) -> None:
    app = certified(open_app)
    app.number_input(key="plane_balls_n").set_value(3000).run()
    assert any("have changed since" in info.value for info in app.main.info)


def test_a_live_run_has_its_controls(open_app: Open, desk: PointsWorker) -> None:
    desk.steps = 10**6
    app = certified(open_app)
    job = app.query_params["run"]
    assert any("Picking sigma" in caption.value for caption in app.main.caption)
    press(app, f"cancel_{job}")
    assert any("no point was certified" in info.value for info in app.main.info)


def test_a_reload_finds_points_and_order(open_app: Open, desk: PointsWorker) -> None:
    job = certified(open_app).query_params["run"]
    app = open_app("memory", points=PLANE, run=job, order="3-1-0-2")
    assert names(app) == ["plane 3", "plane 1", "plane 0", "plane 2"]
    assert app.get("plotly_chart")
    for order in ("0-0-1-2", "9", "a-b", "0-1-2-3-4", "--", "²-1-0-2"):
        again = open_app("memory", points=PLANE, run=job, order=order)
        assert names(again) == ["plane 0", "plane 1", "plane 2", "plane 3"]


def test_a_reload_counts_the_points_on_the_button(open_app: Open, desk: PointsWorker) -> None:
    job = certified(open_app).query_params["run"]
    app = open_app("memory", points=PLANE, run=job)
    button = app.button(key="start_points")
    assert button.label == "Certify 4 points"
    assert not button.disabled


def test_the_price_stands_beside_certify_and_why_it_is_refused(
    open_app: Open, desk: PointsWorker
) -> None:
    app = batch(open_app)
    costs = [c.value for c in app.caption if "forward passes" in c.value]
    passes = int(costs[0].split()[2].replace(",", ""))
    assert costs == [f"at most {passes:,} forward passes"]
    sent = [asked for verb, asked in desk.calls if verb == "price"][-1]
    assert (sent["kind"], sent["count"], sent["config"]["alpha"]) == ("points", 4, 0.001)
    n = next(w for w in app.main.number_input if w.key.endswith("_balls_n"))
    n.set_value(3).run()
    assert any("can never certify" in error.value or "n=3" in error.value for error in app.error)
    assert app.button(key="start_points").disabled


@pytest.mark.parametrize("key", ["ball_clear", "ball_remove"])
def test_points_that_were_removed_stay_away(open_app: Open, desk: PointsWorker, key: str) -> None:
    app = certified(open_app, 1)
    press(app, "start_regions")
    assert "frozen" in app.query_params
    press(app, key)
    assert "No point yet" in app.main.info[0].value
    assert not {"run", "frozen", "order"} & set(app.query_params)
    assert "No point yet" in app.run().main.info[0].value


def test_a_run_of_another_world_or_person_is_not_shown(open_app: Open, desk: PointsWorker) -> None:
    job = certified(open_app).query_params["run"]
    app = open_app("memory", run=job)
    assert not app.get("plotly_chart")
    assert "run" not in app.query_params
    other = open_app("memory", owner="b" * 64, points=PLANE, run=job)
    assert "belongs to somebody else" in other.main.error[0].value


def test_freezing_shows_hash_badge_command_and_file(open_app: Open, desk: PointsWorker) -> None:
    app = certified(open_app)
    press(app, "ball_shuffle")
    app.selectbox(key="freeze_mode").set_value("strict")
    press(app, "start_regions")
    asked = [f for verb, f in desk.calls if verb == "start"][-1]
    assert asked["kind"] == "regions"
    assert asked["config"]["mode"] == "strict"
    assert [image.removeprefix("id ") for image in asked["images"]] == names(app)
    shown = " ".join(html.proto.body for html in app.main.get("html"))
    assert f"hash {HASH}" in shown
    assert f"rs regions check rs-regions-{HASH[:8]}.json" in app.main.code[0].value
    (download,) = app.main.get("download_button")
    assert download.label == "Frozen regions, JSON"
    press(app, "ball_came")
    assert any("since these regions were frozen" in info.value for info in app.main.info)
    assert app.query_params["frozen"]


def test_a_refused_freeze_is_explained(open_app: Open, desk: PointsWorker) -> None:
    app = certified(open_app)
    desk.refuse["start"] = "n=5 can never certify: give n of at least 7."
    press(app, "start_regions")
    assert "n of at least 7" in app.main.error[0].value


def test_teaching_mode_narrates(open_app: Open, desk: PointsWorker) -> None:
    app = open_app("memory", teach="true")
    assert any("whoever comes first owns a ball" in info.value for info in app.main.info)


def test_the_plane_is_no_network_of_the_sidebar(open_app: Open, desk: PointsWorker) -> None:
    app = open_app()
    assert "plane-mlp" not in app.sidebar.selectbox(key="model").options


def test_a_worker_that_is_gone_leaves_one_sentence(open_app: Open, desk: PointsWorker) -> None:
    app = certified(open_app)
    desk.refuse["arrange"] = "the compute process ended twice without an answer."
    app.selectbox(key="left_rule").set_value("strict").run()
    assert not app.exception
    assert OWNER not in json.dumps([e.value for e in app.main.error])
