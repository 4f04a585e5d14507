"""Strips as runs: what is asked, both ends while it runs, what they say, what they cost."""

import json
from typing import Any

import pytest

from rs_core.classifiers import load_classifier
from rs_core.errors import ParameterError, RsError
from rs_core.events import drain
from rs_core.experiments.sandwich import MakeSandwiches
from rs_core.fields import describe_fields
from rs_core.results import from_json, to_json
from rs_core.results.sandwich import SandwichStrip
from rs_core.seed_origin import with_seed_origin
from rs_core.selectors import Grid
from rs_core.store import owner_id
from rs_core.worker.desk.describe import describe
from rs_core.worker.pictures import image_of
from rs_core.worker.tasks.base import Origin
from rs_core.worker.tasks.sandwich import MAX_PASSES, sandwich_task
from tests.worker.conftest import Office
from tests.worker.tasks.test_groups import step
from tests.worker.test_runs import restarted

QUICK: dict[str, Any] = {
    "n0": 32, "n": 128, "alpha": 0.01, "steps": 2, "draws": 2, "rounds": 2, "judged": 16,
    "confirm_n": 64, "confirmations": 3,
}  # fmt: skip
GRID = {"sigma_min": 0.1, "sigma_max": 0.3, "interval": 0.1, "n": 64}
SINGLE = Origin("", (0,))


def start(office: Office, count: int = 2, **changes: Any) -> str:
    found = office.ask("images_of_set", model=office.model(), set="mnist5k", count=count)
    images = [one["image"] for one in found["images"]]
    config = {**QUICK, "sigma": 0.25, "selector": None}
    fields = {"images": images, "config": config, "precision": "fp32", "model": office.model()}
    return str(office.ask("start", kind="sandwich", **{**fields, **changes})["job"])


def test_a_strip_equals_the_engine_s_and_both_ends_are_seen(office: Office) -> None:
    job = start(office, 10)  # a digit of each kind, and the tiny network always answers one
    seen: list[dict[str, Any]] = []
    while office.follow(job)["state"] != "finished":
        step(office)
        shown = office.follow(job)["step"]
        seen += [shown] if shown else []
    reply = office.follow(job)
    phases = list(dict.fromkeys(one["phase"] for one in seen))
    assert phases[0] == "certifying images 1 to 10 of 10"
    assert phases[1] == "attacking images 1 to 10 of 10"
    last = seen[-1]["sandwiches"]
    assert set(last[0]) == {
        "index", "name", "lower", "lower_final", "hollow", "upper", "done",
    }  # fmt: skip
    assert [row["index"] for row in last] == list(range(10))
    assert len({one["total"] for one in seen}) == 1
    facts = [office.store.belongings.image(owner_id("ann"), i) for i in reply["about"]["image_ids"]]
    made = MakeSandwiches(
        sigma=0.25, dataset="MNIST train (5,000)", indices=tuple(reply["result"]["indices"]),
        **QUICK,
    )  # fmt: skip
    classifier = load_classifier(office.weights, device="cpu", precision="fp32")
    strip = drain(made.run(classifier, [image_of(one) for one in facts], seed=0))
    expected = with_seed_origin(strip, given=True, seed=0)
    assert reply["result"] == json.loads(json.dumps(to_json(expected)))
    strip = from_json(SandwichStrip, reply["result"])
    assert strip.dataset == "MNIST train (5,000)"
    assert reply["questions"] == 2
    assert reply["risk"] == pytest.approx(0.01 + 0.001)
    assert reply["about"]["config"]["selector"] is None


def test_a_selector_comes_with_its_settings_and_a_second_row_is_counted(office: Office) -> None:
    picker = {"selector": "grid", "settings": GRID}
    config = {**QUICK, "selector": picker, "pipeline": True, "reselect": 2}
    job = start(office, 1, config=config)
    office.finish()
    reply = office.follow(job)
    assert reply["state"] == "finished", reply["error"]
    (one,) = from_json(SandwichStrip, reply["result"]).sandwiches
    assert one.certificate.guarantee == "C"
    assert one.certificate.sigma in Grid(**GRID).possible_sigmas
    assert reply["questions"] == 3
    assert reply["risk"] == pytest.approx(0.01 + 2 * 0.001)
    asked = reply["about"]["config"]["selector"]
    assert asked["selector"] == "grid"
    assert asked["settings"]["interval"] == 0.1
    again = sandwich_task(reply["about"]["config"], SINGLE)
    assert again.config() == reply["about"]["config"]


def test_a_strip_goes_on_after_a_crash_with_the_same_result(office: Office) -> None:
    job = start(office, 1)
    step(office)
    other = restarted(office)
    other.desk.opener.adopt_all()
    other.finish()
    found = other.follow(job)
    assert found["state"] == "finished"
    assert len(from_json(SandwichStrip, found["result"]).sandwiches) == 1


def test_the_form_is_the_dataclass_s(office: Office) -> None:
    kept = describe()["forms"]["sandwich"]
    assert kept == json.loads(json.dumps(to_json(describe_fields(MakeSandwiches))))
    assert [facts["name"] for facts in kept][:3] == ["n0", "n", "alpha"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sigma": None}, "neither sigma nor a selector"),
        ({"selector": {"selector": "grid"}}, "both are given"),
        ({"selector": "grid"}, "it must be an object with selector, settings"),
        ({"selector": {"selector": 3}}, "must name itself in text"),
        ({"selector": {"selector": "nothing"}}, "unknown selector"),
        ({"sigma": None, "selector": {"selector": "knn", "settings": {"folder": "x"}}}, "folder"),
        ({"steps": 0}, "steps=0"),
        ({"eps": -1}, "eps=-1"),
        ({"draws": 257}, "the limit is 256"),
        ({"judged": 2000}, "the limit is 1024"),
        ({"steps": 1000, "rounds": 40}, "the limit is 5,000"),
        ({"nothing": 1}, "no setting of sandwich"),
        (
            {"sigma": None, "pipeline": True, "selector": {"selector": "grid"}},
            "Give the selector fewer copies",
        ),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RsError, match=message):
        sandwich_task({**QUICK, "sigma": 0.25, **changes}, SINGLE)


def test_too_many_images_and_too_long_a_run_are_refused(office: Office) -> None:
    with pytest.raises(ParameterError, match="the limit is 50"):
        start(office, 51)
    with pytest.raises(ParameterError, match=f"the limit is {MAX_PASSES:,}"):
        start(office, 2, config={**QUICK, "sigma": 0.25, "n": 99_999_999})
