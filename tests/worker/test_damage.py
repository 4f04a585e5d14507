"""Files that were changed on disk: one sentence for their run, and nothing for anybody else."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rs_core.errors import DamagedError, NotFoundError
from rs_core.store import owner_id
from rs_core.store.documents import read_document
from tests.store.conftest import DEEP
from tests.worker.conftest import QUICK, Office
from tests.worker.test_main import replies_of
from tests.worker.test_runs import restarted
from tests.worker.training_office import SETTINGS, probes, train, until_epoch

WRONG = (b"null", b"[]", DEEP)
SENTENCE = "this run's files were changed or damaged on disk ("
Damage = Callable[[Path], object]


def writing(raw: bytes) -> Damage:
    return lambda path: path.write_bytes(raw)


def change_a_digit(path: Path) -> None:
    raw = path.read_bytes()
    place = raw.index(b'"lower": ' if b'"lower": ' in raw else b'"draws": ') + 9
    path.write_bytes(raw[:place] + b"9" + raw[place + 1 :])


def as_older(folder: Path) -> dict[str, Any]:
    """A run's folder without checksums, as earlier versions kept it; what was asked."""
    for name in ("request.json", "state", "result.json"):
        if (folder / name).exists():
            (folder / name).write_text(json.dumps(read_document(folder / name).content))
    (folder / "owner").unlink()
    asked: dict[str, Any] = json.loads((folder / "request.json").read_bytes())
    return asked


@pytest.mark.parametrize(("name", "damage"), [
    ("state", writing(b"null")), ("state", writing(b'{"state": "finished", "seconds": null}')),
    ("state", writing(DEEP)), ("result.json", writing(b"[]")), ("result.json", writing(DEEP)),
    ("result.json", Path.unlink), ("result.json", change_a_digit),
])  # fmt: skip
def test_a_run_that_was_changed_says_so_and_is_computed_again(
    office: Office, name: str, damage: Damage
) -> None:
    job, other = office.start(), office.start(seed=1)
    office.finish()
    result = office.follow(job)["result"]
    damage(office.store.folder(job) / name)
    found = office.follow(job)
    assert (found["state"], found["result"]) == ("failed", None)
    assert found["error"].startswith(SENTENCE)
    assert found["about"]["kind"] == "sweep"
    assert office.follow(other)["state"] == "finished"
    again = office.start()
    assert again != job
    office.finish()
    assert office.follow(again)["result"] == result


@pytest.mark.parametrize("content", WRONG)
def test_a_damaged_request_stops_nobody(office: Office, content: bytes) -> None:
    damaged, open_, others = office.start(), office.start(seed=1), office.start("bob")
    path = office.store.folder(damaged) / "request.json"
    path.write_bytes(content)
    later = restarted(office)
    later.desk.opener.adopt_all()
    later.finish()
    assert later.follow(open_)["state"] == "finished"
    assert later.follow(others, "bob")["state"] == "finished"
    for verb in ("follow", "pause", "resume", "cancel", "arrange"):
        with pytest.raises(DamagedError, match="this run's files were changed or damaged"):
            later.ask(verb, job=damaged, rule="memory", order=[])
        with pytest.raises(NotFoundError, match="run not found"):
            later.ask(verb, "bob", job=damaged, rule="memory", order=[])
    assert {run["job"] for run in later.ask("runs")["runs"]} == {damaged, open_}
    assert later.ask("forget") == {"runs": 2}
    assert not path.parent.exists()
    later.store.close()


@pytest.mark.parametrize("request_", [
    {}, {"config": [], "image": 3, "image_id": [], "model": None},
    {"images": 7, "image_ids": None, "model": "m", "config": {}, "seed": 0, "device": "cpu"},
])  # fmt: skip
@pytest.mark.parametrize("kind", ["sweep", "train", "of a later version"])
def test_an_older_run_whose_request_makes_no_sense_stops_nobody(
    office: Office, request_: dict[str, Any], kind: str
) -> None:
    damaged, open_ = office.start(), office.start(seed=1)
    folder = office.store.folder(damaged)
    asked = as_older(folder) | {"request": request_, "kind": kind}
    (folder / "request.json").write_text(json.dumps(asked))
    later = restarted(office)
    later.desk.opener.adopt_all()
    later.finish()
    assert later.follow(open_)["state"] == "finished"
    try:
        found = later.follow(damaged)
    except DamagedError as error:
        found = {"state": "failed", "error": str(error)}
    assert (found["state"], found["error"][: len(SENTENCE)]) == ("failed", SENTENCE)
    later.store.close()


def test_runs_of_an_older_version_go_on_and_are_found(office: Office) -> None:
    job, open_ = office.start(), office.start(seed=1)
    office.bench.turn()
    while office.follow(job)["state"] != "finished":
        office.bench.turn()
    result = office.follow(job)["result"]
    for one in (job, open_):
        as_older(office.store.folder(one))
    later = restarted(office)
    later.desk.opener.adopt_all()
    later.finish()
    assert later.follow(job)["result"] == result
    assert later.follow(open_)["state"] == "finished"
    assert later.start() == job
    later.store.close()


def test_the_process_starts_over_a_home_full_of_wrecks(tmp_path: Path) -> None:
    office = Office(tmp_path, Path("unused"))
    owner = owner_id("ann")
    for number, content in enumerate(WRONG):
        run, claim = office.store.create(
            owner, key=str(number), kind="sweep", title="t", request={}
        )
        claim.release()
        (office.store.folder(run.job) / "request.json").write_bytes(content)
    (tmp_path / "owners" / owner).mkdir(parents=True)
    (tmp_path / "owners" / owner / "questions.json").write_bytes(DEEP)
    office.store.close()
    lines = [
        b'{"id": 1, "verb": "ping"}', b'{"id": 2, "verb": "runs", "owner": "ann"}',
        b'{"id": 3, "verb": "models", "owner": "ann"}',
        b'{"id": 4, "verb": "forget", "owner": "ann"}',
    ]  # fmt: skip
    found, stray, code = replies_of(tmp_path, *lines)
    assert code == 0, (found, stray)
    assert len(found[1]["ok"]["runs"]) == len(WRONG)
    assert found[2]["ok"]["models"] == {}
    assert found[3]["ok"] == {"runs": len(WRONG)}
    assert list((tmp_path / "runs").iterdir()) == []
    assert list((tmp_path / "owners").iterdir()) == []


@pytest.mark.parametrize("content", [None, DEEP, b'{"image model": {"a": "x"}}', b"{}"])
def test_a_lost_count_is_never_taken_for_none(office: Office, content: bytes | None) -> None:
    job = office.start()
    for seed in (1, 2):
        office.start(seed=seed)
    office.finish()
    before = office.follow(job)
    assert (before["questions"], before["at_least"]) == (3, False)
    path = office.store.home / "owners" / owner_id("ann") / "questions.json"
    path.unlink() if content is None else path.write_bytes(content)
    found = office.follow(job)
    assert (found["questions"], found["risk"]) == (3, before["risk"])
    assert found["at_least"] is True
    assert found["result"] == before["result"]
    asked = office.follow(office.start(seed=3))
    assert (asked["questions"], asked["at_least"]) == (4, True)
    assert office.follow(office.start("bob"), "bob")["at_least"] is False
    office.ask("forget")
    assert office.follow(office.start())["at_least"] is False


def test_a_lost_count_knows_what_trainings_said_and_older_runs_asked(office: Office) -> None:
    images = [one["image"] for one in probes(office, 1)]
    settings = SETTINGS | {"epochs": 1}
    trained = train(office, settings=settings, probes=images, labels=[None])
    office.finish()
    model = office.follow(trained)["result"]["model"]
    older = str(office.ask(
        "start", kind="predict", image=images[0], model=model, precision="fp32",
        config={"sigma": 0.5, "alpha": 0.01},
    )["job"])  # fmt: skip
    office.finish()
    before = office.follow(older)
    assert before["questions"] == 2
    asked = as_older(office.store.folder(older))
    del asked["request"]["share"]
    (office.store.folder(older) / "request.json").write_text(json.dumps(asked))
    (office.store.home / "owners" / owner_id("ann") / "questions.json").write_bytes(b"null")
    found = office.follow(older)
    assert (found["questions"], found["risk"]) == (2, before["risk"])
    assert found["at_least"]


def test_deleting_says_what_it_could_not_delete(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, gone = office.start(), office.start(seed=1)
    office.finish()
    unlink = os.unlink

    def refuse(path: str | Path, *args: Any, **fields: Any) -> None:
        if Path(path).name == "result.json" and job in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, *args, **fields)

    monkeypatch.setattr(os, "unlink", refuse)
    reply = office.ask("forget")
    assert reply["runs"] == 1
    assert f"not everything could be deleted: runs/{job}/result.json in " in reply["left"]
    assert "(Permission denied)" in reply["left"]
    assert [run["job"] for run in office.ask("runs")["runs"]] == [job]
    with pytest.raises(NotFoundError):
        office.follow(gone)
    monkeypatch.setattr(os, "unlink", unlink)
    assert office.ask("forget") == {"runs": 1}
    assert office.ask("runs") == {"runs": []}


@pytest.mark.parametrize("turns", [0, 1, 3])
def test_a_training_that_another_process_deleted_ends_and_makes_nothing_again(
    office: Office, tmp_path: Path, turns: int
) -> None:
    job = train(office, settings={"epochs": 500})
    office.bench._turn_seconds = 1e-9
    for _ in range(turns):
        office.bench.turn()
    if turns > 1:
        until_epoch(office, job, 1)
    other = Office(office.store.home, office.weights)
    assert other.ask("forget") == {"runs": 1}
    other.store.close()
    office.finish()  # it would take 500 epochs
    assert office.bench.of_owner(owner_id("ann")) == []
    assert list((office.store.home / "runs").iterdir()) == []
    assert not (office.store.home / "owners" / owner_id("ann")).exists()
    with pytest.raises(NotFoundError, match="run not found"):
        office.follow(job)


def test_a_training_deleted_in_its_last_step_leaves_no_network(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that holds it is in the midst of a turn and cannot have noticed."""
    monkeypatch.setattr("rs_core.store.run_lock.Claim.is_void", False)
    office.bench._turn_seconds = 1e-9
    job = train(office, settings={"epochs": 1})
    while (office.follow(job)["step"] or {}).get("phase") != "counting the mistakes":
        assert office.bench.turn()
    other = Office(office.store.home, office.weights)
    other.ask("forget")
    other.store.close()
    office.finish()
    assert list((office.store.home / "runs").iterdir()) == []
    assert not (office.store.home / "owners" / owner_id("ann")).exists()


def test_a_sweep_that_another_process_deleted_ends(office: Office) -> None:
    job = office.start(config={**QUICK, "n": 100_000})
    office.bench.turn()
    other = Office(office.store.home, office.weights)
    other.ask("forget")
    other.store.close()
    office.finish()
    with pytest.raises(NotFoundError, match="run not found"):
        office.follow(job)
    assert list((office.store.home / "runs").iterdir()) == []
