import json
import os
import time
from pathlib import Path

import pytest

from rs_core.errors import NotFoundError, StoreError
from rs_core.store import Progress, Retention, RunStore, evict
from tests.store.conftest import ANN, BOB, MakeRun

IMAGES = ("0" * 32, "1" * 32)


def finished(store: RunStore, make_run: MakeRun, key: str, ended: float) -> str:
    run = make_run(key=key)
    store.finish(run.job, "x" * 10_000, Progress(ended=ended))
    return run.job


def limited(store: RunStore, **limits: float) -> None:
    store.retention = Retention(**limits)
    evict(store)


def test_the_longest_ended_runs_go_until_the_quota_is_kept(
    store: RunStore, make_run: MakeRun
) -> None:
    now = time.time()
    old, middle, new = (finished(store, make_run, k, now - k_age) for k, k_age in
                        (("a", 30), ("b", 20), ("c", 10)))  # fmt: skip
    limited(store, quota_mb=0.025)
    with pytest.raises(NotFoundError):
        store.read(old)
    assert {run["job"] for run in store.runs(ANN)} == {middle, new}
    assert store.result(middle) == "x" * 10_000


def test_open_runs_stay_whatever_the_quota(store: RunStore, make_run: MakeRun) -> None:
    gone = finished(store, make_run, "a", time.time())
    waiting = make_run(key="b")
    limited(store, quota_mb=0)
    assert [run["job"] for run in store.runs(ANN)] == [waiting.job]
    assert gone != waiting.job


def test_what_is_too_old_goes(
    store: RunStore, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(store, make_run, "a", time.time() - 3 * 86_400)
    new = finished(store, make_run, "b", time.time())
    for image in IMAGES:
        store.belongings.keep_image(ANN, image, {})
    path = next(store.belongings.root.glob(f"*/images/{IMAGES[0]}.json"))
    os.utime(path, (1e9, 1e9))
    now = time.time()
    limited(store, keep_days=2)  # a first look at the clock, which is believed a day later
    assert len(store.runs(ANN)) == 2
    monkeypatch.setattr(time, "time", lambda: now + 86_401)
    limited(store, keep_days=2)
    assert [run["job"] for run in store.runs(ANN)] == [new]
    with pytest.raises(NotFoundError):
        store.belongings.image(ANN, IMAGES[0])
    assert store.belongings.image(ANN, IMAGES[1]) == {}


def test_after_the_runs_the_longest_unused_image_goes(store: RunStore) -> None:
    for age, image in zip((20, 10), IMAGES, strict=True):
        store.belongings.keep_image(ANN, image, {"filling": "x" * 10_000})
        path = next(store.belongings.root.glob(f"*/images/{image}.json"))
        os.utime(path, (time.time() - age, time.time() - age))
    limited(store, quota_mb=0.015)
    with pytest.raises(NotFoundError):
        store.belongings.image(ANN, IMAGES[0])
    assert json.dumps(store.belongings.image(ANN, IMAGES[1]))


def test_within_the_limits_nothing_goes(store: RunStore, make_run: MakeRun) -> None:
    job = finished(store, make_run, "a", time.time())
    evict(store)
    assert store.find(ANN, "a") == (job, "finished")


def test_the_size_is_that_of_the_files(store: RunStore, make_run: MakeRun, tmp_path: Path) -> None:
    finished(store, make_run, "a", time.time())
    store.belongings.keep_image(ANN, IMAGES[0], {})
    runs = [p for p in (tmp_path / "home").rglob("*") if p.is_file() and p.name != "index.sqlite"]
    assert store.size() == pytest.approx(sum(p.stat().st_size for p in runs), abs=200)


def sized(store: RunStore, make_run: MakeRun, owner: str, key: str, age: float, size: int) -> str:
    run = make_run(owner, key)
    store.finish(run.job, "x" * size, Progress(ended=time.time() - age))
    return run.job


def test_whoever_has_most_loses_first_however_new_it_is(store: RunStore, make_run: MakeRun) -> None:
    small = sized(store, make_run, BOB, "b", age=900, size=10_000)
    hoard = [sized(store, make_run, ANN, str(age), age, 10_000) for age in (50, 40, 30, 20, 10)]
    limited(store, quota_mb=0.035)
    assert [run["job"] for run in store.runs(BOB)] == [small]
    assert {run["job"] for run in store.runs(ANN)} == set(hoard[-2:])
    limited(store, quota_mb=0.025)
    assert [len(store.runs(owner)) for owner in (ANN, BOB)] == [1, 1]


def test_an_upload_takes_from_its_owner_before_others(store: RunStore, make_run: MakeRun) -> None:
    store.retention = Retention(quota_mb=0.1)
    others = sized(store, make_run, BOB, "b", age=900, size=30_000)
    mine = [sized(store, make_run, ANN, str(age), age, 20_000) for age in (50, 40)]
    store.belongings.keep_image(ANN, IMAGES[0], {"filling": "x" * 40_000})
    assert [run["job"] for run in store.runs(ANN)] == [mine[1]]
    assert store.result(others)
    assert store.size() <= 100_000


def test_the_quota_holds_at_every_write(store: RunStore, make_run: MakeRun) -> None:
    """11 MB lay in a store of 3 for a minute."""
    store.retention = Retention(quota_mb=0.03)
    for number in range(12):
        sized(store, make_run, ANN, str(number), age=0, size=9_000)
        assert store.size() <= 30_000
    assert store.result(store.runs(ANN)[0]["job"]) == "x" * 9_000
    for number in range(12):
        store.belongings.keep_image(ANN, f"{number:032x}", {"filling": "x" * 9_000})
        assert store.size() <= 30_000
    assert store.belongings.image(ANN, f"{11:032x}")


def test_a_checkpoint_counts_when_it_is_noted(store: RunStore, make_run: MakeRun) -> None:
    store.retention = Retention(quota_mb=0.03)
    gone = sized(store, make_run, ANN, "a", age=0, size=9_000)
    training = make_run(ANN, "t")
    (store.folder(training.job) / "checkpoint").mkdir()
    (store.folder(training.job) / "checkpoint" / "file").write_bytes(b"x" * 28_000)
    store.update(training.job, Progress("running"))
    assert [run["job"] for run in store.runs(ANN)] == [training.job]
    assert gone != training.job


def test_what_does_not_fit_is_refused_and_nobody_elses_goes(
    store: RunStore, make_run: MakeRun, tmp_path: Path
) -> None:
    store.retention = Retention(quota_mb=0.1)
    others = [sized(store, make_run, BOB, str(age), age, 15_000) for age in (3, 2, 1)]
    with pytest.raises(StoreError, match=r"0\.2 MB more do not fit: .* 0\.1 MB .*RS_QUOTA_MB"):
        store.belongings.keep_image(ANN, IMAGES[0], {"filling": "x" * 200_000})
    with pytest.raises(StoreError, match="do not fit"):
        store.belongings.keep_model(ANN, b"x" * 80_000, b"{}")
    assert {run["job"] for run in store.runs(BOB)} == set(others)
    assert not list(tmp_path.rglob("*.safetensors"))
    store.belongings.keep_model(ANN, b"x" * 40_000, b"{}")
    assert {run["job"] for run in store.runs(BOB)} == set(others)
    with pytest.raises(StoreError, match="do not fit"):
        store.create(ANN, key="k", kind="sweep", title="t", request={"filling": "x" * 90_000})
    assert store.runs(ANN) == []


def test_a_clock_that_is_ahead_for_a_moment_deletes_nothing(
    store: RunStore, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    job = finished(store, make_run, "a", now)
    store.belongings.keep_image(ANN, IMAGES[0], {})
    for ahead in (0.0, 31 * 86_400.0, 31 * 86_400.0 + 600, 5.0):
        monkeypatch.setattr(time, "time", lambda ahead=ahead: now + ahead)
        evict(store)
    assert store.find(ANN, "a") == (job, "finished")
    assert store.belongings.image(ANN, IMAGES[0]) == {}


def test_a_run_that_ends_while_the_clock_is_behind_is_kept(
    store: RunStore, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    for day in range(3):
        monkeypatch.setattr(time, "time", lambda day=day: now + day * 86_400)
        evict(store)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    run = make_run()
    store.finish(run.job, "x", Progress())
    monkeypatch.setattr(time, "time", lambda: now + 3 * 86_400)
    evict(store)
    assert store.result(run.job) == "x"
