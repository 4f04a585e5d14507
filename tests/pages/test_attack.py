import io
import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from rs_core.logs.adversarial_files import png_file
from rs_core.results import from_json, to_json
from rs_core.results.attack import AttackCheck, Confirmation
from rs_core.results.attack_trial import AttackTrial, Ballot
from rs_ui.attack import files
from rs_ui.attack.target import NETWORK, PIPELINE
from rs_ui.runs import cache
from tests.pages.conftest import OWNER, Open
from tests.pages.fake_attack import ALREADY_WRONG, NOT_FOUND, AttackWorker


@pytest.fixture
def desk(worker, monkeypatch: pytest.MonkeyPatch) -> AttackWorker:
    fake = AttackWorker()
    monkeypatch.setattr(cache, "Worker", lambda: fake)
    return fake


def start(app: AppTest) -> AppTest:
    app.button(key="start_attack").click().run()
    assert not app.exception, [e.value for e in app.exception]
    return app


def asked(desk: AttackWorker) -> dict:
    found = [f for verb, f in desk.calls if verb == "start" and f["kind"] == "attack"]
    return found[-1]


def card(app: AppTest) -> str:
    (body,) = [h.proto.body for h in app.main.get("html") if "D Empirical" in h.proto.body]
    return str(body)


def captions(app: AppTest) -> str:
    return " ".join(c.value.replace("\\", "") for c in app.main.caption)


def test_an_empty_page_says_what_to_do(open_app: Open, desk: AttackWorker) -> None:
    app = open_app("attack")
    assert "No attack yet" in app.main.info[0].value
    assert not app.button(key="start_attack").disabled
    assert not app.get("plotly_chart")
    assert app.segmented_control(key="attack_part").options == ["One image", "On a set"]


@pytest.mark.parametrize("sigma", [0.0, -1.0, 2000.0])
def test_a_noise_level_out_of_range_is_said_and_not_attacked_at(
    open_app: Open, desk: AttackWorker, sigma: float
) -> None:
    app = open_app("attack")
    app.number_input(key="attack_sigma").set_value(sigma).run()
    said = " ".join(error.value.replace("\\", "") for error in app.main.error)
    assert f"sigma={sigma:,.0f} is out of range: give a number above 0" in said
    assert app.button(key="start_attack").disabled
    app.number_input(key="attack_sigma").set_value(0.5).run()
    assert not app.main.error
    assert not app.button(key="start_attack").disabled


def test_the_default_attacks_the_smoothed_network(open_app: Open, desk: AttackWorker) -> None:
    app = start(open_app("attack"))
    sent = asked(desk)
    assert sent["images"] == ["digit-3-mnist-conv4-auto"]
    config = sent["config"]
    assert (config["attack"], config["selector"], config["check"]) == ("epgd", None, False)
    settings = config["settings"]
    assert (settings["sigma"], settings["eps"], settings["steps"]) == (0.25, 0.5, 40)
    assert (settings["draws"], settings["step_size"], settings["target"]) == (8, None, None)
    assert config["confirm"] == {"n": 1000, "confirmations": 4, "stretch": 0.0, "alpha": 0.001}
    assert app.query_params["run"]


def test_the_cost_is_said_before_the_start(open_app: Open, desk: AttackWorker) -> None:
    app = open_app("attack")
    assert f"{3 * 40 * 8 + 4 * 1000 + 2 * 1000:,} forward passes" in captions(app)


def test_a_finished_attack_shows_all_of_it(open_app: Open, desk: AttackWorker) -> None:
    app = start(open_app("attack"))
    said = card(app)
    assert "Broken at ℓ2 0." in said
    assert "class 5 instead of class 3 at level 0.00025" in said
    told = captions(app)
    assert "4 PREDICTs x 0.00025 = alpha = 0.001" in told
    assert "Stored as an 8-bit image" in told
    titles = [json.loads(c.proto.spec)["layout"]["title"]["text"] for c in app.get("plotly_chart")]
    assert titles == ["What the attack did to the vote", "What the attack climbed"]
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))
    shown = [image.proto.imgs[0].caption.replace("\\", "") for image in app.main.get("image")]
    assert shown[:2] == ["the image", "what was changed, 10 times as strong"]
    assert shown[2].startswith("the adversarial image: ℓ2")
    labels = {b.label for b in app.main.get("download_button")}
    assert labels == {"PNG", "npz", "TSV", "JSON"}


def test_what_is_not_broken_is_not_safe(open_app: Open, desk: AttackWorker) -> None:
    desk.changes = NOT_FOUND
    app = start(open_app("attack"))
    assert "Not broken within the budget" in card(app)
    assert "No attack found is not safety" in card(app)


def test_an_opinion_is_shown_as_one(open_app: Open, desk: AttackWorker) -> None:
    desk.changes = {**NOT_FOUND, "success": True, "notes": ("warning: zero gradient in 3 steps",)}
    desk.changes["confirmations"] = (Confirmation(None, (0,) * 11, 0.25, 1000, 0.00025),)
    app = start(open_app("attack"))
    assert "Unconfirmed: it does not count" in card(app)
    assert [w.value for w in app.main.warning] == ["zero gradient in 3 steps"]


def test_a_wrong_image_has_the_upper_bound_0(open_app: Open, desk: AttackWorker) -> None:
    desk.changes = ALREADY_WRONG
    assert "Misclassified as it is: upper bound 0" in card(start(open_app("attack")))


def test_an_abstention_of_the_clean_vote_is_told(open_app: Open, desk: AttackWorker) -> None:
    tie = Ballot((500, 500, *[0] * 9), (0.5, 0.5, *[0.0] * 8), 0.25, 1000)
    desk.of_trial = {"before": (tie,)}
    assert "the vote on the image as it is abstains" in captions(start(open_app("attack")))


def test_flags_of_the_self_check_stand_out(open_app: Open, desk: AttackWorker) -> None:
    app = open_app("attack")
    app.toggle(key="attack_check").set_value(True).run()
    assert "no flag was raised" in captions(start(app))
    assert asked(desk)["config"]["check"] is True
    desk.of_trial = {"check": AttackCheck(0.0, 0.5, 1.0, 0.0, ("it looks masked",))}
    app.number_input(key="attack_epgd_eps").set_value(0.7).run()
    start(app)
    assert "it looks masked" in app.main.warning[0].value


def test_the_network_itself_needs_no_noise(open_app: Open, desk: AttackWorker) -> None:
    app = open_app("attack", attack_what=NETWORK)
    assert app.selectbox(key="attack_name_pgd").options == [
        "pgd: what pgd does", "ddn: what ddn does", "square: what square does",
    ]  # fmt: skip
    assert "attack_pgd_draws" not in [w.key for w in app.main.number_input]
    start(app)
    settings = asked(desk)["config"]["settings"]
    assert (settings["sigma"], settings["draws"]) == (None, 1)
    assert "softmax" in app.get("plotly_chart")[0].proto.spec
    assert "leaves nothing to chance" in captions(app)


def test_a_pipeline_has_its_selector_s_settings(open_app: Open, desk: AttackWorker) -> None:
    app = open_app("attack", attack_what=PIPELINE)
    assert "fixed" not in app.selectbox(key="attack_selector").options
    app.number_input(key="attack_multistart_m").set_value(60).run()
    app.number_input(key="attack_epgd_reselect").set_value(5).run()
    start(app)
    config = asked(desk)["config"]
    assert config["selector"] == {"selector": "multistart", "settings": {"levels": 16, "m": 60}}
    assert (config["settings"]["sigma"], config["settings"]["reselect"]) == (None, 5)
    assert "the pipeline, sigma picked by multistart" in captions(app)
    assert "σ 0.5 that the selector picks there" in card(app)


def test_the_smallest_norm_is_confirmed_further_out(open_app: Open, desk: AttackWorker) -> None:
    app = open_app("attack")
    app.selectbox(key="attack_name_epgd").set_value("ddn").run()
    assert "attack_check" not in [w.key for w in app.main.toggle]
    start(app)
    confirm = asked(desk)["config"]["confirm"]
    assert (confirm["confirmations"], confirm["stretch"]) == (8, 0.02)


def test_an_attack_without_gradients_has_no_copies_per_step(
    open_app: Open, desk: AttackWorker
) -> None:
    desk.losses, desk.steps = [], 10**6
    app = open_app("attack")
    app.selectbox(key="attack_name_epgd").set_value("square").run()
    assert "attack_square_draws" not in [w.key for w in app.main.number_input]
    start(app)
    assert "follows no gradient" in captions(app)


def test_a_class_to_reach_is_not_the_label(open_app: Open, desk: AttackWorker) -> None:
    app = open_app("attack")
    app.selectbox(key="attack_class").set_value("class 3").run()
    assert "cannot be the one to reach" in app.main.error[0].value
    assert app.button(key="start_attack").disabled
    app.selectbox(key="attack_class").set_value("class 8").run()
    assert not app.main.error
    start(app)
    assert asked(desk)["config"]["settings"]["target"] == 8


def test_an_empty_step_size_is_the_attack_s_own(open_app: Open, desk: AttackWorker) -> None:
    app = open_app("attack")
    assert app.number_input(key="attack_epgd_step_size").value is None
    assert not app.button(key="start_attack").disabled
    app.number_input(key="attack_epgd_step_size").set_value(0.1).run()
    start(app)
    assert asked(desk)["config"]["settings"]["step_size"] == 0.1


def test_losses_grow_and_the_run_is_paused_and_cancelled(
    open_app: Open, desk: AttackWorker
) -> None:
    desk.steps = 10**6
    app = start(open_app("attack"))
    (chart,) = app.get("plotly_chart")
    assert json.loads(chart.proto.spec)["data"][0]["y"] == [0.1, None, 0.5]
    assert "epgd looks" in captions(app)
    assert "ℓ2 0.3 (an opinion, until fresh noise confirms it)" in captions(app)
    job = app.query_params["run"]
    app.button(key=f"pause_{job}").click().run()
    app.button(key=f"resume_{job}").click().run()
    app.button(key=f"cancel_{job}").click().run()
    assert desk.jobs[job]["state"] == "cancelled"
    assert any("Cancelled after" in info.value for info in app.main.info)
    assert not app.get("plotly_chart")


def test_a_failed_run_says_why(open_app: Open, desk: AttackWorker) -> None:
    desk.steps = 10**6
    app = start(open_app("attack"))
    sentence = "the network gives no gradients: attack it with 'square', which needs none."
    desk.jobs[app.query_params["run"]] |= {"state": "failed", "error": sentence}
    assert "which needs none" in app.run().main.error[0].value


def test_a_refusal_stands_beside_the_form(open_app: Open, desk: AttackWorker) -> None:
    app = start(open_app("attack"))
    desk.refuse["start"] = "target=3 is its label already: choose another class."
    app.number_input(key="attack_epgd_eps").set_value(0.7).run()
    start(app)
    assert "is its label already" in app.main.error[0].value
    assert len(app.get("plotly_chart")) == 2


def test_a_reload_finds_the_run_and_a_stranger_does_not(open_app: Open, desk: AttackWorker) -> None:
    job = start(open_app("attack")).query_params["run"]
    again = open_app("attack", run=job)
    assert "Broken at" in card(again)
    other = open_app("attack", owner="b" * 64, run=job)
    assert "belongs to somebody else" in other.main.error[0].value
    assert not other.get("plotly_chart")


def test_changed_settings_and_another_image_are_said(open_app: Open, desk: AttackWorker) -> None:
    app = start(open_app("attack"))
    assert not app.main.info
    app.number_input(key="attack_epgd_eps").set_value(0.7).run()
    assert "have changed since" in app.main.info[0].value
    app.sidebar.selectbox(key="image").set_value("digit-9").run()
    assert "This attack is on digit" in app.main.warning[0].value
    assert len(app.get("plotly_chart")) == 2


def test_downloads_are_what_was_stored(open_app: Open, desk: AttackWorker) -> None:
    app = start(open_app("attack"))
    job = app.query_params["run"]
    trial = from_json(AttackTrial, desk.call("follow", owner=OWNER, job=job)["result"])
    read = np.asarray(Image.open(BytesIO(png_file(trial.results[0].stored))), np.float32)
    assert np.array_equal(read[None] / np.float32(255), trial.results[0].stored)
    rows = list(io.StringIO(files.tsv_text(trial)))
    assert len(rows) == 2
    row = dict(zip(rows[0].strip().split("\t"), rows[1].strip("\n").split("\t"), strict=True))
    assert (row["name"], row["command"]) == ("digit-3", "rs app")
    told = json.loads(files.json_text(to_json(trial), trial))
    assert told["version"] == row["version"]


def test_teaching_says_that_a_stronger_attack_finds_less(
    open_app: Open, desk: AttackWorker
) -> None:
    app = open_app("attack", teach="true")
    assert any("Stronger attack, smaller number" in info.value for info in app.main.info)
    assert not app.main.expander
