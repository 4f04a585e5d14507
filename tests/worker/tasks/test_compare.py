"""Comparisons as runs: what is asked, how far they are, what they say, what becomes of them."""

import json
from typing import Any

import pytest

from rs_core.classifiers import load_classifier
from rs_core.errors import ParameterError, RsError
from rs_core.events import drain
from rs_core.experiments import Compare, Pair
from rs_core.fields import describe_fields
from rs_core.guarantees import GUARANTEES
from rs_core.results import from_json, to_json
from rs_core.results.comparison import Comparison, method_scores
from rs_core.seed_origin import with_seed_origin
from rs_core.selectors import SELECTORS, Grid
from rs_core.store import owner_id
from rs_core.worker.desk.describe import describe
from rs_core.worker.pictures import image_of
from rs_core.worker.tasks.base import Origin, selector_of
from rs_core.worker.tasks.compare import MAX_CANDIDATES, compare_task
from tests.worker.conftest import Office
from tests.worker.tasks.test_groups import step
from tests.worker.test_runs import restarted

FIXED = {"selector": "fixed", "settings": {"sigma": 0.25}, "guarantee": "global_sigma"}
GRID = {
    "selector": "grid",
    "settings": {"sigma_min": 0.1, "sigma_max": 0.3, "interval": 0.1, "n": 70},
    "guarantee": "frozen",
}
CLIMB = {"selector": "multistart", "settings": {"levels": 3, "m": 30}, "guarantee": "grid_minimum"}
CONFIG: dict[str, Any] = {
    "methods": [FIXED, GRID, CLIMB], "sigmas": [0.1, 0.25], "n0": 50, "n": 200, "alpha": 0.01,
}  # fmt: skip
SINGLE = Origin("", (0,))


def asked(office: Office, count: int = 3) -> dict[str, Any]:
    return office.ask("images_of_set", model=office.model(), set="mnist5k", count=count)


def start(office: Office, owner: str = "ann", count: int = 3, **changes: Any) -> str:
    images = changes.pop("images", None) or [i["image"] for i in asked(office, count)["images"]]
    fields = {"images": images, "config": CONFIG, "precision": "fp32", "model": office.model()}
    return str(office.ask("start", owner, kind="compare", **{**fields, **changes})["job"])


def without_time(result: dict[str, Any]) -> dict[str, Any]:
    return {**result, "methods": [{**m, "seconds": None} for m in result["methods"]]}


def test_a_comparison_equals_the_engines(office: Office) -> None:
    found = asked(office)
    job = start(office)
    office.finish()
    reply = office.follow(job)
    assert reply["state"] == "finished"
    assert reply["done"] == reply["total"]
    kept = [office.store.belongings.image(owner_id("ann"), i["image"]) for i in found["images"]]
    classifier = load_classifier(office.weights, device="cpu", precision="fp32")
    compare = Compare(
        methods=tuple(
            Pair.of(SELECTORS[m["selector"]](**m["settings"]), GUARANTEES[m["guarantee"]])
            for m in CONFIG["methods"]
        ),
        sigmas=(0.1, 0.25), n0=50, n=200, alpha=0.01,
        dataset="MNIST train (5,000)", indices=tuple(one["index"] for one in found["images"]),
    )  # fmt: skip
    engine = drain(compare.run(classifier, [image_of(facts) for facts in kept], seed=0))
    expected = with_seed_origin(engine, given=True, seed=0)
    assert without_time(reply["result"]) == without_time(to_json(expected))
    comparison = from_json(Comparison, json.loads(json.dumps(reply["result"])))
    assert comparison.labels == tuple(one["label"] for one in found["images"])
    assert comparison.indices == compare.indices
    about = reply["about"]
    assert about["title"] == "3 images of MNIST train (5,000)"
    assert about["dataset"] == "MNIST train (5,000)"
    assert about["config"]["methods"][1]["settings"]["interval"] == 0.1


def test_images_of_several_sources_come_from_no_set(office: Office) -> None:
    images = [one["image"] for one in asked(office)["images"]]
    job = start(office, images=[*images, office.image()])
    office.finish()
    result = office.follow(job)["result"]
    assert (result["dataset"], result["indices"]) == ("", [0, 1, 2, 3])
    assert result["names"][3] == "digit-7"


def test_scores_arrive_as_methods_finish(office: Office) -> None:
    job = start(office)
    seen: list[dict[str, Any]] = []
    while step_of(office, job) is not None:
        reply = office.follow(job)
        if reply["step"] is not None:
            seen.append(reply["step"])
    assert [len(s["partial"]["methods"]) for s in seen] == sorted(
        len(s["partial"]["methods"]) for s in seen
    )
    assert {len(s["partial"]["methods"]) for s in seen} == {0, 1, 2, 3}
    assert len({s["total"] for s in seen}) == 1
    assert [s["done"] for s in seen] == sorted(s["done"] for s in seen)
    assert seen[0]["phase"] == "fixed picks (1 of 3)"
    last = from_json(Comparison, office.follow(job)["result"])
    scores = [to_json(score._asdict()) for score in method_scores(last)]
    assert seen[-1]["partial"]["methods"] == scores
    assert len(json.dumps(seen[-1])) < 2000


def step_of(office: Office, job: str) -> bool | None:
    """One step; None once the run is over."""
    if office.follow(job)["state"] == "finished":
        return None
    step(office)
    return True


def test_every_image_is_asked_once_per_statement(office: Office) -> None:
    job = start(office)
    reply = office.follow(job)
    assert (reply["questions"], reply["risk"]) == (5, pytest.approx(0.05))
    start(office, config={**CONFIG, "methods": [FIXED], "sigmas": []})
    assert office.follow(job)["questions"] == 6
    one = asked(office)["images"][1]["image"]
    sweep = office.start(image=one, kind="certify", config={"sigma": 0.25, "n": 100, "alpha": 0.1})
    reply = office.follow(sweep)
    assert (reply["questions"], reply["risk"]) == (7, pytest.approx(0.16))


def test_a_cancel_in_the_middle_leaves_no_result(office: Office) -> None:
    job = start(office)
    for _ in range(6):
        step(office)
    reached = office.follow(job)["done"]
    assert reached > 0
    assert office.ask("cancel", job=job)["state"] == "cancelled"
    office.finish()
    reply = office.follow(job)
    assert (reply["state"], reply["done"], reply["result"]) == ("cancelled", reached, None)
    assert start(office) != job


def test_a_comparison_goes_on_in_the_next_process(office: Office) -> None:
    job = start(office)
    for _ in range(6):
        step(office)
    later = restarted(office)
    later.desk.opener.adopt_all()
    later.finish()
    found = later.follow(job)
    assert found["state"] == "finished"
    assert found["about"]["image_ids"] == [one["image"] for one in asked(later)["images"]]
    later.ask("forget")
    fresh = start(later)
    later.finish()
    assert fresh != job
    assert without_time(later.follow(fresh)["result"]) == without_time(found["result"])
    later.store.close()


def test_a_configuration_round_trips() -> None:
    methods = [
        {"selector": "knn", "settings": {"limit": 300}, "guarantee": "sukenik"},
        {"selector": "gradient", "settings": {"norm": "l2", "paper": True}, "guarantee": "memory"},
        {"selector": "fixed", "guarantee": "regions"},
        *CONFIG["methods"],
    ]  # fmt: skip
    task = compare_task({**CONFIG, "methods": methods}, SINGLE)
    again = compare_task(json.loads(json.dumps(task.config())), SINGLE)
    assert again == task
    assert again.config() == task.config()
    assert "folder" not in task.config()["methods"][0]["settings"]
    assert compare_task({"methods": [FIXED]}, SINGLE).compare.sigmas == ()


def methods(*changed: Any) -> dict[str, Any]:
    return {**CONFIG, "methods": list(changed)}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({}, "methods=None must be a list of 1 to 12"),
        (methods(), "must be a list of 1 to 12"),
        (methods(*[FIXED] * 13), "must be a list of 1 to 12"),
        ({**CONFIG, "methods": {"0": FIXED}}, "must be a list of 1 to 12"),
        (methods(FIXED, FIXED), "fixed with global_sigma stands there twice"),
        (methods(FIXED, "grid"), "method 2 is 'grid': it must be an object"),
        (methods({**FIXED, "colour": "red"}), "method 1 is .*: it must be an object"),
        (methods({"selector": "fixed"}), "method 1 must name its selector and its guarantee"),
        (methods({**FIXED, "selector": ["grid"]}), "method 1 must name"),
        (methods({**FIXED, "selector": "oracle"}), "unknown selector 'oracle'"),
        (methods({**FIXED, "selector": "network"}), "unknown selector 'network'"),
        (methods({**FIXED, "guarantee": "dual"}), "unknown guarantee 'dual'"),
        (methods({**FIXED, "settings": [1]}), "the settings of method 1 must be an object"),
        (methods({**FIXED, "settings": {"colour": 1}}), "'colour' is no setting of fixed"),
        (methods(FIXED, {**GRID, "settings": {"n": 0}}), r"method 2 \(grid\): n=0 is out of range"),
        (methods({**GRID, "settings": {"n": "70"}}), r"method 1 \(grid\): n='70' is not a number"),
        (methods({**GRID, "settings": {"agree": 1}}), r"\(grid\): agree=1 must be true or false"),
        (methods({**GRID, "settings": {"interval": None}}), "interval=None is not a number"),
        (methods({**GRID, "guarantee": "global_sigma"}), r"\(grid\): global_sigma needs one noise"),
        (methods({**GRID, "guarantee": "sukenik"}), r"method 1 \(grid\): sukenik needs a selector"),
        (
            methods({"selector": "gradient", "guarantee": "grid_minimum"}),
            r"method 1 \(gradient\): .*gradient can answer any",
        ),
        (
            methods({"selector": "greedy_grid", "guarantee": "grid_minimum"}),
            "grid_minimum would certify 200 noise levels: the limit is 100",
        ),
        (
            methods({**GRID, "settings": {"interval": 0.001, "n": 100}}),
            "grid would look at 881 noise levels at once",
        ),
        (
            methods({**CLIMB, "settings": {"levels": 1000, "sigma_0": 0.1, "m": 9}}),
            "grid_minimum would certify 1000 noise levels",
        ),
        (
            methods({"selector": "knn", "settings": {"dataset": "mnist"}, "guarantee": "sukenik"}),
            r"method 1 \(knn\): dataset='mnist' is not known: choose one of ",
        ),
        (
            methods({"selector": "knn", "settings": {"folder": "/etc"}, "guarantee": "sukenik"}),
            r"method 1 \(knn\): 'folder' is no setting of knn",
        ),
        ({**CONFIG, "sigmas": [0]}, "sigmas"),
        ({**CONFIG, "sigmas": 0.5}, "sigmas=0.5 must be a list"),
        ({**CONFIG, "sigmas": None}, "sigmas=None must be a list"),
        ({**CONFIG, "sigmas": ["x"]}, "sigmas='x' is not a number"),
        ({**CONFIG, "sigmas": [0.01 * k for k in range(1, 102)]}, "the limit is 100"),
        ({**CONFIG, "n": 0}, "n=0"),
        ({**CONFIG, "n": 3}, "can never certify"),
        ({**CONFIG, "alpha": 1}, "alpha"),
        ({**CONFIG, "n0": "x"}, "n0='x' is not a number"),
        ({**CONFIG, "sigma": 0.5}, "'sigma' is no setting of compare"),
        ({**CONFIG, "dataset": "MNIST"}, "'dataset' is no setting of compare"),
    ],
)  # fmt: skip
def test_bad_configurations_start_nothing_and_count_nothing(
    one_run: tuple[Office, str], config: dict[str, Any], reason: str
) -> None:
    office, alone = one_run
    with pytest.raises(RsError, match=reason) as caught:
        start(office, config=config, images=[office.image()])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert [run["job"] for run in office.ask("runs")["runs"]] == [alone]
    assert office.follow(alone)["questions"] == 1


def test_what_a_result_could_not_hold_is_refused(office: Office) -> None:
    long = {"selector": "gradient", "settings": {"steps": 10_000}, "guarantee": "frozen"}
    others = [{**long, "settings": {"steps": 10_000, "n": n}} for n in range(2, 6)]
    count = MAX_CANDIDATES // 50_000 + 1
    with pytest.raises(
        ParameterError, match=r"look at 450,000 noise levels of 9 images: the limit"
    ):
        start(office, count=count, config=methods(long, *others))


def test_labels_that_a_selector_needs(office: Office) -> None:
    unlabelled = office.ask("decode", model=office.model(), sample="cat")["image"]
    aware = {**GRID, "settings": {"label_aware": True, "n": 20}}
    with pytest.raises(ParameterError, match="label_aware needs every image's true label"):
        start(office, images=[unlabelled], config=methods(aware))


def test_images_that_repeat_are_noted(office: Office) -> None:
    images = [one["image"] for one in asked(office)["images"]]
    job = start(office, images=[*images, images[0]])
    office.finish()
    reply = office.follow(job)
    assert reply["result"]["notes"] == ["1 of 4 images repeat the pixels of others"]
    assert reply["questions"] == 5


def test_selectors_and_guarantees_are_described() -> None:
    found = describe()
    assert set(found["selectors"]) == set(SELECTORS)
    assert found["selectors"]["grid"] == to_json(describe_fields(SELECTORS["grid"]))
    knn = {facts["name"]: facts for facts in found["selectors"]["knn"]}
    assert "folder" not in knn
    assert "mnist" not in knn["dataset"]["choices"]
    assert {name: kind["badge"] for name, kind in found["guarantees"].items()} == {
        name: kind.badge for name, kind in GUARANTEES.items()
    }
    memory = [facts["name"] for facts in found["guarantees"]["memory"]["fields"]]
    assert "path" not in memory
    assert "n" in memory
    names = [facts["name"] for facts in found["forms"]["compare"]]
    assert {"n0", "n", "alpha"} <= set(names)
    assert {one["name"] for one in found["sets"]} >= {"mnist5k", "digits"}


def test_a_request_of_an_earlier_version_builds_the_same_selector() -> None:
    """It names all the fields that there were, and none that came later."""
    grid = {"sigma_min": 0.12, "sigma_max": 1.0, "interval": 0.05, "n": 70, "alpha": 0.001}
    assert selector_of("grid", grid) == Grid(n=70)
    assert selector_of("greedy_grid", {"n": 2, "evaluations": 20}).clamp == (0.001, 0.999)
    gradient = {"steps": 9, "n": 1, "step_size": 1e-4, "start": 0.25, "sigma_min": 0.01}
    assert selector_of("gradient", gradient).start == 0.25
    knn = {"sigma_b": 0.25, "rate": 0.01, "neighbours": 20, "offset": 1.5}
    assert selector_of("knn", knn) == SELECTORS["knn"](**knn, dataset="mnist5k")
    assert selector_of("knn", {"dataset": "digits"}).dataset == "digits"


def test_forms_know_the_fields_that_may_stay_open() -> None:
    offered = describe()["selectors"]
    fields = {n: {f["name"]: f for f in offered[n]} for n in ("gradient", "grid", "greedy_grid")}
    start, copies = fields["gradient"]["start"], fields["gradient"]["n"]
    assert (start["default"], start["required"], start["kind"]) == (None, False, "float")
    assert "training noise" in start["help"]
    assert (copies["low"], copies["high"]) == (1, 128)
    assert (fields["grid"]["ends"]["kind"], fields["grid"]["ends"]["default"]) == ("bool", True)
    assert fields["greedy_grid"]["paper"]["default"] is False


def test_a_stranger_sees_nothing(office: Office) -> None:
    job = start(office)
    with pytest.raises(RsError, match="run not found"):
        office.ask("follow", "eve", job=job)
    images = [one["image"] for one in asked(office)["images"]]
    model = office.model("eve")
    with pytest.raises(RsError, match="image not found"):
        office.ask("start", "eve", kind="compare", images=images, model=model, config=CONFIG)
