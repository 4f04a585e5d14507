import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rs_core.errors import StoreError
from rs_core.store import Progress, RunStore
from tests.store.conftest import ANN, MakeRun

Damage = Callable[[Path], object]


def _overwrite_middle(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[100:] = b"\xff" * (len(raw) - 100)
    path.write_bytes(bytes(raw))


@pytest.mark.parametrize(
    "damage",
    [
        Path.unlink,
        lambda path: path.write_bytes(b"not a database at all, but text" * 100),
        lambda path: path.write_bytes(b""),
        _overwrite_middle,
    ],
    ids=["deleted", "foreign", "empty", "corrupt"],
)
@pytest.mark.parametrize("restart", [True, False])
def test_a_lost_index_is_rebuilt_from_the_folders(
    store: RunStore, make_run: MakeRun, tmp_path: Path, damage: Damage, restart: bool
) -> None:
    done, waiting = make_run(key="a"), make_run(key="b")
    store.finish(done.job, 1, Progress())
    before = store.runs(ANN)
    if restart:
        store.close()
    damage(tmp_path / "home" / "index.sqlite")
    found = RunStore(tmp_path / "home") if restart else store
    after = make_run(key="c") if not restart else None
    assert found.runs(ANN)[-2:] == before
    assert found.find(ANN, "a") == (done.job, "finished")
    assert found.find(ANN, "b") == (waiting.job, "queued")
    assert after is None or found.find(ANN, "c") == (after.job, "queued")
    found.close()


def test_a_run_that_the_index_misses_is_found_at_the_next_start(
    store: RunStore, make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    store.close()
    with sqlite3.connect(tmp_path / "home" / "index.sqlite") as connection:
        connection.execute("DELETE FROM runs")
    connection.close()
    again = RunStore(tmp_path / "home")
    assert [r["job"] for r in again.runs(ANN)] == [run.job]
    again.close()


def test_a_locked_index_is_tried_for_a_while_then_refused(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    store = RunStore(tmp_path / "home", lock_seconds=0.3)
    other = sqlite3.connect(tmp_path / "home" / "index.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    with pytest.raises(StoreError, match=r"locked the index .* for 0.3 s: close it"):
        store.update(run.job, Progress("running"))
    assert 0.2 < time.monotonic() - started < 5
    other.execute("ROLLBACK")
    other.close()
    store.update(run.job, Progress("running"))
    assert store.runs(ANN)[0]["state"] == "running"
    store.close()


def test_a_start_that_the_index_refused_leaves_no_run(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    store = RunStore(tmp_path / "home", lock_seconds=0.1)
    other = sqlite3.connect(tmp_path / "home" / "index.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert store.find(ANN, "k") == (run.job, "queued")
    with pytest.raises(StoreError, match="locked the index"):
        make_run_in(store)
    other.execute("ROLLBACK")
    other.close()
    assert [found.job for found in store.unfinished()] == [run.job]
    assert [folder.name for folder in (tmp_path / "home" / "runs").iterdir()] == [run.job]
    store.close()


def make_run_in(store: RunStore) -> None:
    store.create(ANN, key="k", kind="sweep", title="digit", request={"seed": 1})


def test_commits_are_durable(store: RunStore) -> None:
    connection = store._index._open()
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
