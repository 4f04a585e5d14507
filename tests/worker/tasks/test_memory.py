"""Points, their arrangements and frozen regions, asked of the desk."""

from typing import Any

import numpy as np
import pytest

from rs_core.errors import NotFoundError, ParameterError, UnknownNameError
from rs_core.guarantees.regions.allocation import Allocation
from rs_core.results import from_json
from rs_core.results.arrangement import Arrangement, FrozenRegions, Points
from tests.worker.conftest import Office
from tests.worker.test_runs import restarted

GRID = {"sigma_min": 0.02, "sigma_max": 0.26, "interval": 0.08, "n": 100}
CONFIG = {"selector": "grid", "settings": GRID, "n0": 50, "n": 500, "alpha": 0.001}


def plane(office: Office, count: int = 6) -> list[str]:
    found = office.ask("images_of_set", model="plane-mlp", set="plane", count=count)
    assert found["set"].startswith("points in the plane test")
    return [image["image"] for image in found["images"]]


def start(office: Office, kind: str = "points", **changes: Any) -> str:
    fields = {"kind": kind, "model": "plane-mlp", "config": CONFIG, "precision": "fp32"} | changes
    fields["images"] = fields.get("images") or plane(office)
    return str(office.ask("start", **fields)["job"])


def finished(office: Office, job: str) -> dict[str, Any]:
    office.finish()
    found = office.follow(job)
    assert found["state"] == "finished", found["error"]
    return found


def test_points_come_with_certificates_and_a_map(office: Office) -> None:
    job = start(office)
    points = from_json(Points, finished(office, job)["result"])
    assert points.true_plane
    assert points.distances.shape == (6, 6)
    assert {c.guarantee for c in points.certificates} == {"C"}
    assert {c.n for c in points.certificates} == {500}
    assert all(s.selector == "grid" for s in points.selections)


def test_a_run_says_what_it_does(office: Office) -> None:
    job = start(office)
    office.bench._turn_seconds = 1e-9
    phases = []
    while office.bench.turn():
        step = office.follow(job)["step"]
        assert step is None or 0 <= step["done"] <= step["total"]
        phases += [step["phase"]] if step else []
    assert list(dict.fromkeys(phases)) == ["picking sigma", "certifying each point"]


@pytest.mark.parametrize("rule", ["memory", "online", "strict", "label_aware"])
def test_the_desk_arranges_finished_points(office: Office, rule: str) -> None:
    job = start(office)
    with pytest.raises(ParameterError, match="wait for the end"):
        office.ask("arrange", job=job, rule=rule, order="given")
    finished(office, job)
    for order in ("given", "ascending", [3, 1]):
        reply = office.ask("arrange", job=job, rule=rule, order=order)
        found = from_json(Arrangement, reply["arrangement"])
        assert found.rule == rule
        assert sorted(found.order) == ([1, 3] if order == [3, 1] else list(range(6)))
    with pytest.raises(NotFoundError):
        office.ask("arrange", "bob", job=job, rule=rule, order="given")


def test_arranging_refuses_nonsense(office: Office) -> None:
    job = start(office)
    finished(office, job)
    for fields in (
        {"rule": "memory", "order": [9]},
        {"rule": "memory", "order": None},
        {"rule": "memory", "order": {"a": 1}},
        {"rule": "quick", "order": "given"},
        {"rule": "memory", "order": [[0]]},
        {"rule": "memory", "order": "up"},
    ):
        with pytest.raises(ParameterError):
            office.ask("arrange", job=job, **fields)
    alone = office.start(image=office.image(), kind="certify", config={"sigma": 0.5, "n": 200})
    office.finish()
    with pytest.raises(ParameterError, match="only finished points"):
        office.ask("arrange", job=alone, rule="memory", order="given")


def test_frozen_regions_are_a_file_that_checks(office: Office) -> None:
    job = start(office, "regions", config={**CONFIG, "mode": "strict"})
    frozen = from_json(FrozenRegions, finished(office, job)["result"])
    allocation = from_json(Allocation, frozen.file["allocation"])
    allocation.check()
    assert allocation.mode == "strict"
    assert {c.guarantee for c in frozen.certificates} == {"B"}
    assert np.array_equal(allocation.radii, [c.radius for c in frozen.certificates])


def test_another_order_is_another_allocation(office: Office) -> None:
    images = plane(office)
    one = start(office, "regions", images=images)
    assert start(office, "regions", images=images) == one
    assert start(office, "regions", images=images[::-1]) != one


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"n": 5}, "n of at least"),
        ({"selector": "nobody"}, "selector"),
        ({"selector": 3}, "selector"),
        ({"settings": []}, "settings"),
        ({"settings": {"colour": 1}}, "colour"),
        ({"path": "/etc/passwd"}, "path"),
        ({"mode": "strict"}, "mode"),
    ],
)
def test_points_refuse_settings_without_sense(
    office: Office, change: dict[str, Any], word: str
) -> None:
    with pytest.raises((ParameterError, UnknownNameError), match=word):
        start(office, config=CONFIG | change)


def test_regions_refuse_a_programme_that_would_keep_everybody_waiting(office: Office) -> None:
    with pytest.raises(ParameterError, match="the limit is 10 s"):
        start(office, "regions", config={**CONFIG, "time_limit": 600})
    with pytest.raises(ParameterError, match="n of at least"):
        start(office, "regions", config={**CONFIG, "mode": "label_aware", "n": 10})


def test_a_run_goes_on_after_a_restart(office: Office) -> None:
    job = start(office, "regions")
    again = restarted(office)
    again.desk.opener.adopt_all()
    again.finish()
    assert again.follow(job)["state"] == "finished"
