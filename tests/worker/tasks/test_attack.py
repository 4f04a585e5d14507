"""Attacks as runs: what is asked, what is seen meanwhile, what is refused, what a cancel leaves."""

import json
from typing import Any

import numpy as np
import pytest

from rs_core.attacks import ATTACKS
from rs_core.classifiers import load_classifier
from rs_core.errors import ParameterError, RsError
from rs_core.events import drain
from rs_core.fields import describe_fields
from rs_core.results import from_json, to_json
from rs_core.results.attack_trial import AttackTrial
from rs_core.seed_origin import with_seed_origin
from rs_core.store import owner_id
from rs_core.worker.desk.describe import describe
from rs_core.worker.pictures import image_of
from rs_core.worker.tasks.attack import MAX_PASSES, attack_task
from rs_core.worker.tasks.base import Origin
from tests.worker.conftest import Office
from tests.worker.tasks.test_compare import step_of
from tests.worker.tasks.test_groups import step

ORIGIN = Origin("", (0,))
CONFIG: dict[str, Any] = {
    "attack": "epgd",
    "settings": {"eps": 1.0, "steps": 6, "draws": 2, "sigma": 0.25, "target": None},
    "selector": None,
    "confirm": {"n": 200, "alpha": 0.01, "confirmations": 3},
    "check": False,
}
PIPELINE = {"selector": "grid", "settings": {"n": 20, "interval": 0.4}}


def start(office: Office, owner: str = "ann", **changes: Any) -> str:
    fields = {"images": [office.image(owner)], "config": CONFIG, "precision": "fp32"}
    fields["model"] = office.model(owner)
    return str(office.ask("start", owner, kind="attack", **{**fields, **changes})["job"])


def changed(**parts: Any) -> dict[str, Any]:
    return {**CONFIG, **parts}


def settings(**values: Any) -> dict[str, Any]:
    return changed(settings={**CONFIG["settings"], **values})


def test_an_attack_equals_the_engines(office: Office) -> None:
    job = start(office)
    office.finish()
    reply = office.follow(job)
    assert (reply["state"], reply["done"]) == ("finished", reply["total"])
    classifier = load_classifier(office.weights, device="cpu", precision="fp32")
    kept = office.store.belongings.image(owner_id("ann"), office.image())
    task = attack_task(CONFIG, ORIGIN)
    expected = drain(task.run(classifier, [image_of(kept)], seed=0, batch_size=256))
    assert reply["result"] == to_json(with_seed_origin(expected, given=True))
    trial = from_json(AttackTrial, json.loads(json.dumps(reply["result"])))
    assert trial.results[0].label == 7
    assert (trial.alpha, trial.confirmations, trial.n) == (0.01, 3, 200)
    assert reply["about"]["labels"] == [7]
    assert reply["about"]["config"]["settings"]["restarts"] == 1


def test_losses_and_the_nearest_point_are_seen_meanwhile(office: Office) -> None:
    job = start(office)
    seen: list[dict[str, Any]] = []
    while step_of(office, job) is not None:
        told = office.follow(job)["step"]
        if told is not None:
            seen.append(told)
    lengths = [len(one["losses"]) for one in seen]
    assert lengths == sorted(lengths)
    assert lengths[-1] == 6
    assert {"epgd looks", "the vote before and after"} <= {one["phase"] for one in seen}
    assert all(set(one) >= {"done", "total", "nearest", "every"} for one in seen)
    assert len(json.dumps(seen[-1])) < 2000


def test_the_questions_count_the_risk_of_a_confirmation(office: Office) -> None:
    job = start(office)
    reply = office.follow(job)
    assert (reply["questions"], reply["risk"]) == (3, pytest.approx(0.01 + 2 * 0.01 / 3))
    bare = changed(attack="pgd", settings={"steps": 3})
    again = office.follow(start(office, config=bare))
    assert (again["questions"], again["risk"]) == (6, reply["risk"])  # nothing to chance


def test_a_cancel_in_the_middle_of_a_step_leaves_nothing(office: Office) -> None:
    job = start(office)
    for _ in range(4):
        step(office)
    found = office.bench.get(job)
    assert found is not None
    before, stream = found.done, found.stream

    def within() -> Any:
        event = next(stream)  # the step is computed...
        assert office.ask("cancel", job=job)["state"] == "cancelled"  # ...when the cancel arrives
        yield event

    found.stream = within()
    step(office)
    assert before < found.total
    office.finish()
    reply = office.follow(job)
    assert (reply["state"], reply["result"]) == ("cancelled", None)
    fresh = start(office)
    office.finish()
    assert fresh != job
    assert office.follow(fresh)["state"] == "finished"


def test_a_pipeline_and_a_self_check_run(office: Office) -> None:
    own = {"eps": 1.0, "steps": 3, "draws": 2, "judged": 4, "reselect": 2, "sigma": None}
    config = changed(settings=own, selector=PIPELINE, check=True)
    job = start(office, config=config)
    office.finish()
    reply = office.follow(job)
    assert reply["error"] is None
    trial = from_json(AttackTrial, reply["result"])
    assert (trial.selector, trial.settings["sigma"]) == ("grid", None)
    assert trial.check is not None


@pytest.mark.parametrize("name", ATTACKS)
def test_a_configuration_round_trips(name: str) -> None:
    for config in (
        {"attack": name},
        {"attack": name, "settings": {"sigma": None, "judged": 4}, "selector": PIPELINE},
        {"attack": name, "settings": {"sigma": 0.5}, "confirm": {"n": 500, "stretch": 0.1}},
    ):
        task = attack_task(config, ORIGIN)
        again = attack_task(json.loads(json.dumps(task.config())), ORIGIN)
        assert again == task
        assert again.config() == task.config()
    assert task.trial.confirm.alpha == 0.001


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({}, "unknown attack 'None'"),
        (changed(attack="autoattack"), "unknown attack 'autoattack'"),
        (changed(attack=["pgd"]), "unknown attack"),
        (changed(colour=1), "'colour' is no setting of attack"),
        (changed(settings=[1]), "settings=.* must be an object"),
        (settings(eps=0), "eps=0 .* is out of range: give a number above 0"),
        (settings(eps=-1), "eps=-1"),
        (settings(steps=0), "steps=0 is out of range"),
        (settings(steps="many"), "steps='many' is not a number"),
        (settings(step_size=0), "step_size=0"),
        (settings(sigma=None), "epgd attacks a smoothed network: give sigma"),
        (settings(sigma=-1), "sigma=-1"),
        (settings(target=-1), "target=-1"),
        (settings(folder="/etc"), "'folder' is no setting of epgd"),
        (settings(draws=600), "draws: 600 noisy copies a step would keep everybody else waiting"),
        (settings(judged=5000), "judged: 5,000 noisy copies a judgement"),
        (settings(steps=10_000, restarts=3), "steps: 30,000 steps in all"),
        (changed(attack="square", settings={"queries": 10**6}), "steps: 1,000,000"),
        (changed(selector="grid"), "selector is 'grid': it must be an object"),
        (changed(selector={"selector": 1}), "selector must name itself in text"),
        (changed(selector={"selector": "oracle"}), "unknown selector 'oracle'"),
        (
            changed(selector={"selector": "knn", "settings": {"folder": "/etc"}}),
            "'folder' is no setting of knn",
        ),
        (changed(selector=PIPELINE), "sigma=0.25 and a selector are both given"),
        (
            changed(
                settings={"reselect": 1},
                selector={"selector": "grid", "settings": {"n": 10_000}},
            ),
            "selector: .* noisy copies of one choice of sigma",
        ),
        (changed(confirm=3), "confirm=3 must be an object"),
        (changed(confirm={"selector": 1}), "confirm=.* must be an object with n, alpha"),
        (changed(confirm={"n": 3}), "3 fresh copies per PREDICT can never confirm anything"),
        (changed(confirm={"alpha": 2}), "alpha=2"),
        (changed(check="yes"), "check='yes' must be true or false"),
        (changed(attack="ddn", settings={}, check=True), "not for ddn: leave it out"),
    ],
)
def test_every_wrong_setting_is_one_sentence(config: dict[str, Any], reason: str) -> None:
    with pytest.raises(RsError, match=reason) as caught:
        attack_task(config, ORIGIN)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (settings(target=7), "target=7 is its label already"),
        (settings(target=10), "target=10 is outside the 10 classes"),
        (
            settings(steps=10_000, draws=512),
            f"forward passes: the limit is {MAX_PASSES:,}; give fewer steps",
        ),
    ],
)
def test_what_does_not_fit_the_image_is_refused_at_the_start(
    config: dict[str, Any], reason: str, office: Office
) -> None:
    with pytest.raises(ParameterError, match=reason):
        start(office, config=config)


def test_the_description_has_every_attack() -> None:
    found = describe()
    assert list(found["attacks"]) == list(ATTACKS)
    assert found["attacks"]["epgd"] == {
        "about": "PGD over noisy copies",
        "gradient_free": False,
        "needs_noise": True,
        "fields": to_json(describe_fields(ATTACKS["epgd"])),
    }
    assert {"n", "alpha", "confirmations", "stretch"} <= {
        field["name"] for field in found["forms"]["confirm"]
    }


def test_the_stored_image_survives_the_wire(office: Office) -> None:
    job = start(office)
    office.finish()
    trial = from_json(AttackTrial, json.loads(json.dumps(office.follow(job)["result"])))
    levels = trial.results[0].stored * np.float32(255)
    assert np.abs(levels - np.rint(levels)).max() < 1e-4
