"""Requests as pages sent them build today what they built when they were recorded.

A stored run is found again by its content key, and a link or a list must lead to it after an
update. `recorded_requests.json` holds, for each request, the key, the title, the settings in force
and the share of each image. The keys hold the release's name, the kind of device and the precision:
the release of the recording is put in its place here, the requests ask for a CPU and fp32, and
networks are named with their weights' id. So they are the same on every machine. A request that is
added to the file without the rest is recorded by what the failing test shows.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rs_core.attacks import ATTACKS
from rs_core.selectors import SELECTORS
from rs_core.training import RECIPES
from rs_core.worker.papers.config import paper_task
from rs_core.worker.request import origin_in, task_of
from rs_core.worker.tasks.base import TASKS, Task, config_of
from rs_core.worker.tasks.kinds import GROUP_TASKS
from rs_core.worker.training.config import train_task
from tests.worker.conftest import Office

RECORDED: dict[str, Any] = json.loads(
    Path(__file__).with_name("recorded_requests.json").read_text(encoding="utf-8")
)
REQUESTS: dict[str, dict[str, Any]] = RECORDED["requests"]
ALONE: dict[str, Any] = {"train": train_task, "paper": paper_task}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Iterator[Office]:
    """One for all requests, with their images."""
    made = Office(tmp_path_factory.mktemp("recorded"), tiny)
    for image in RECORDED["images"]:
        found = made.ask(**image["ask"])
        ids = [found["image"]] if "image" in found else [one["image"] for one in found["images"]]
        assert ids == image["ids"], image["ask"]
    yield made
    made.store.close()


def kept(office: Office, ask: dict[str, Any]) -> dict[str, Any]:
    """What the store keeps of a request, of what may not change."""
    job = str(office.ask("start", **ask)["job"])
    run = office.store.read(job)
    office.ask("cancel", job=job)
    share = {"share": run.request["share"]} if "share" in run.request else {}
    return {"key": run.key, "title": run.title, "config": run.request["config"], **share}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_has_the_key_and_the_task_that_it_had(
    name: str, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_core.worker.tasks.base.__version__", RECORDED["version"])
    recorded = dict(REQUESTS[name])
    assert kept(office, recorded.pop("ask")) == recorded


@pytest.mark.parametrize("name", REQUESTS)
def test_a_stored_request_builds_its_task_again(name: str) -> None:
    ask, config = REQUESTS[name]["ask"], REQUESTS[name]["config"]
    if ask["kind"] in ALONE:
        assert ALONE[ask["kind"]](config).config() == config
        return
    task = task_of(ask["kind"], config, origin_in(ask))
    assert (config_of(task) if isinstance(task, Task) else task.config()) == config


def test_every_kind_and_every_method_is_recorded() -> None:
    kinds = [request["ask"]["kind"] for request in REQUESTS.values()]
    assert {kind for kind in kinds if kinds.count(kind) > 1} == {*TASKS, *GROUP_TASKS, *ALONE}
    text = json.dumps([request["ask"]["config"] for request in REQUESTS.values()])
    for name in (*SELECTORS, *ATTACKS, *RECIPES):
        assert f'"{name}"' in text, f"record a request with {name}"
