"""What was changed on disk is said of its run alone, and is never shown as a result."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rs_core.errors import DamagedError, NotFoundError
from rs_core.store import Progress, RunStore
from rs_core.store.documents import read_document, sealed, write_document
from rs_core.store.records import DAMAGED, read_run
from tests.store.conftest import ANN, BOB, DEEP, MakeRun

WRONG = (b"null", b"[]", b"7", b'"text"', b'{"half', b"", b"\xff", DEEP, b"{}", b'{"state": []}')


def flipped(path: Path) -> None:
    """One digit is another: what a changed radius looks like."""
    raw = path.read_bytes()
    place = raw.index(b"0.5")
    path.write_bytes(raw[:place] + b"0.9" + raw[place + 3 :])


def finished(store: RunStore, make_run: MakeRun, owner: str = ANN, key: str = "k") -> str:
    run = make_run(owner, key)
    store.finish(run.job, {"radius": 0.5}, Progress(seconds=0.5, total=7))
    return run.job


@pytest.mark.parametrize("content", [1, "x", None, [1.5, {}], {"a": float("nan")}, {"é": "\n"}])
def test_a_document_is_read_back_and_is_json(tmp_path: Path, content: Any) -> None:
    write_document(tmp_path / "x", content)
    read = read_document(tmp_path / "x", must_be_sealed=True)
    assert (repr(read.content), read.sealed) == (repr(content), True)
    assert repr(json.loads((tmp_path / "x").read_bytes())["content"]) == repr(content)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600


def test_every_changed_byte_is_seen(tmp_path: Path) -> None:
    path, raw = tmp_path / "x", sealed({"radius": 0.5})
    for place in range(len(raw)):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])
        with pytest.raises(DamagedError):
            read_document(path, must_be_sealed=True)
    for cut in range(len(raw)):
        path.write_bytes(raw[:cut])
        with pytest.raises(DamagedError):
            read_document(path, must_be_sealed=True)


@pytest.mark.parametrize("damage", [
    flipped, Path.unlink, *(lambda path, raw=raw: path.write_bytes(raw) for raw in WRONG),
])  # fmt: skip
def test_a_changed_result_is_never_shown(
    store: RunStore, make_run: MakeRun, damage: Callable[[Path], object]
) -> None:
    job, other = finished(store, make_run), finished(store, make_run, key="other")
    damage(store.folder(job) / "result.json")
    with pytest.raises(DamagedError, match=r"this run's files were changed or damaged on disk \("):
        store.result(job)
    assert store.find(ANN, "k") is None  # the question is answered anew
    assert store.result(other) == {"radius": 0.5}
    assert store.find(ANN, "other") == (other, "finished")


@pytest.mark.parametrize("content", [
    *WRONG,
    *(json.dumps(told).encode() for told in (
        {"seconds": None}, {"seconds": "long"}, {"seconds": -1}, {"seconds": 10**400},
        {"state": "done"}, {"held": 1}, {"done": 1.5}, {"total": -1}, {"ended": "now"},
        {"strikes": True}, {"error": ["x"]}, {"more": 1}, {"ended": 1e999},
    )),
])  # fmt: skip
@pytest.mark.parametrize("old", [True, False])
def test_a_changed_state_is_a_failed_run_with_a_sentence(
    store: RunStore, make_run: MakeRun, content: bytes, old: bool
) -> None:
    job, other = finished(store, make_run), finished(store, make_run, key="other")
    if old:
        as_older(store, job)
    (store.folder(job) / "state").write_bytes(content)
    progress = store.read(job, ANN).progress
    if old and content == b"{}":  # as an older version may have written it
        assert progress == Progress()
        return
    assert (progress.state, progress.done, progress.seconds) == ("failed", 0, 0)
    assert progress.ended is not None
    assert "this run's files were changed or damaged on disk" in str(progress.error)
    assert "start it again" in str(progress.error)
    assert store.find(ANN, "k") is None
    assert store.unfinished() == []
    assert store.find(ANN, "other") == (other, "finished")


@pytest.mark.parametrize("content", [*WRONG, json.dumps({
    "owner": ANN, "key": "k", "kind": "sweep", "title": "\ud800", "created": 1.0, "request": {},
}).encode(), json.dumps({
    "owner": ANN, "key": "k", "kind": "sweep", "title": "t", "created": 10**30, "request": [],
}).encode()])  # fmt: skip
@pytest.mark.parametrize("restart", [True, False])
def test_a_run_with_a_changed_request_is_its_owners_to_see_and_delete(
    store: RunStore, make_run: MakeRun, tmp_path: Path, content: bytes, restart: bool
) -> None:
    job, mine, others = make_run(ANN).job, make_run(ANN, "b").job, finished(store, make_run, BOB)
    (store.folder(job) / "request.json").write_bytes(content)
    found = store
    if restart:
        store.close()
        (tmp_path / "home" / "index.sqlite").unlink()
        found = RunStore(tmp_path / "home")
    assert [run.job for run in found.unfinished()] == [mine]
    with pytest.raises(DamagedError, match="this run's files were changed or damaged on disk"):
        found.read(job, ANN)
    with pytest.raises(NotFoundError, match="run not found"):
        found.read(job, BOB)
    listed = {run["job"]: run for run in found.runs(ANN)}
    assert set(listed) == {job, mine}
    assert (listed[job]["kind"], listed[job]["state"]) == (DAMAGED, "failed")
    assert [(run.job, run.owner) for run in found.ended() if run.job == job] == [(job, ANN)]
    assert found.sizes()[ANN] >= len(content)
    assert found.find(ANN, "k") is None
    assert found.delete_owner(ANN) == (2, [])
    assert not (tmp_path / "home" / "runs" / job).exists()
    assert found.result(others) == {"radius": 0.5}
    found.close()


def as_older(store: RunStore, job: str) -> None:
    """A run as earlier versions kept it: no checksums, no note of its owner."""
    folder = store.folder(job)
    for name in ("request.json", "state", "result.json"):
        if (folder / name).exists():
            (folder / name).write_text(json.dumps(read_document(folder / name).content))
    (folder / "owner").unlink()


def test_runs_of_older_versions_stay_readable(store: RunStore, make_run: MakeRun) -> None:
    job = finished(store, make_run)
    as_older(store, job)
    run = store.read(job, ANN)
    assert (run.sealed, run.progress.state, run.request) == (False, "finished", {"seed": 1})
    assert store.result(job) == {"radius": 0.5}
    assert store.find(ANN, "k") == (job, "finished")
    (store.folder(job) / "request.json").write_bytes(
        (store.folder(job) / "request.json").read_bytes()[:-1]
    )
    wreck = read_run(store.folder(job))
    assert wreck is not None
    assert (wreck.owner, wreck.kind) == (ANN, DAMAGED)


def test_a_folder_that_was_never_finished_is_counted_and_goes(
    store: RunStore, make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    (store.folder(run.job) / "request.json").unlink()
    (tmp_path / "home" / "runs" / "of somebody else").mkdir()
    store.close()
    again = RunStore(tmp_path / "home")
    assert [one["job"] for one in again.runs(ANN)] == [run.job]
    assert again.delete_owner(ANN) == (1, [])
    assert (tmp_path / "home" / "runs" / "of somebody else").is_dir()
    again.close()


def test_what_nothing_says_the_owner_of_keeps_the_one_it_had(
    store: RunStore, make_run: MakeRun
) -> None:
    run = make_run()
    for name in ("request.json", "owner"):
        (store.folder(run.job) / name).write_bytes(b"null")
    assert store.unfinished() == []
    assert [one["kind"] for one in store.runs(ANN)] == [DAMAGED]
    assert store.delete_owner(ANN) == (1, [])
