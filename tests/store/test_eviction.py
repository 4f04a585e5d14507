import json
import os
import time
from pathlib import Path

import pytest

from rs_core.errors import NotFoundError
from rs_core.store import Progress, Retention, RunStore, evict
from tests.store.conftest import ANN, MakeRun

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


def test_what_is_too_old_goes(store: RunStore, make_run: MakeRun) -> None:
    finished(store, make_run, "a", time.time() - 3 * 86_400)
    new = finished(store, make_run, "b", time.time())
    for image in IMAGES:
        store.belongings.keep_image(ANN, image, {})
    path = next(store.belongings.root.glob(f"*/images/{IMAGES[0]}.json"))
    os.utime(path, (1e9, 1e9))
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
