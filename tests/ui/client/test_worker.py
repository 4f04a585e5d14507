"""The client with a real process beside it: numbers, fairness, crashes, strangers."""

import base64
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rs_core.assets import sample_path
from rs_core.classifiers import load_classifier
from rs_core.errors import RsError
from rs_core.events import drain
from rs_core.images import load_image
from rs_core.results import to_json
from rs_core.seed_origin import with_seed_origin
from rs_core.smoothing import Sweep
from rs_ui.client.worker import Worker, WorkerError
from tests.worker.conftest import save_tiny, upload_of

ROOT = Path(__file__).resolve().parents[3]
SIGMAS = (0.1, 0.25, 0.5, 1.0)


class Visitor:
    """One person: an owner key, a model, an image."""

    def __init__(self, worker: Worker, weights: Path, owner: str) -> None:
        self.worker, self.owner = worker, owner
        self.model = self.call("upload_model", **upload_of(weights))["model"]
        self.image = self.call("decode", model=self.model, sample="digit-7")["image"]

    def call(self, verb: str, **fields: Any) -> dict[str, Any]:
        return self.worker.call(verb, owner=self.owner, **fields)

    def start(self, n: int = 500, seed: int = 0) -> str:
        found = self.call(
            "start", kind="sweep", image=self.image, model=self.model, seed=seed,
            config={"sigmas": list(SIGMAS), "n": n}, precision="fp32", device="cpu",
        )  # fmt: skip
        return str(found["job"])

    def follow(self, job: str) -> dict[str, Any]:
        return self.call("follow", job=job)

    def until(self, job: str, *states: str, seconds: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.follow(job)
            if found["state"] in states:
                return found
            time.sleep(0.02)
        raise AssertionError(f"still {found['state']} after {seconds} s, {found['done']} done")

    def until_step(self, job: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = self.follow(job)
            if found["step"] is not None:
                return found
            time.sleep(0.01)
        raise AssertionError("no step")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def worker(home: Path) -> Iterator[Worker]:
    made = Worker(home=home, nice=0)
    yield made
    made.close()


@pytest.fixture
def ann(worker: Worker, weights: Path) -> Visitor:
    return Visitor(worker, weights, "ann")


@pytest.fixture
def bob(worker: Worker, weights: Path) -> Visitor:
    return Visitor(worker, weights, "bob")


def expected(weights: Path, n: int, seed: int = 0) -> Any:
    """What the engine itself says, in this process."""
    classifier = load_classifier(weights, device="cpu", precision="fp32")
    image = load_image(sample_path("digit-7"), classifier.spec)
    stream = Sweep(sigmas=SIGMAS, n=n).run(classifier, [image], seed=seed)
    return to_json(with_seed_origin(drain(stream)[0], given=True))


def test_the_description_is_read_from_disk_the_second_time(worker: Worker, home: Path) -> None:
    asked = worker.describe()
    assert set(asked) == {
        "models", "samples", "forms", "sets", "selectors", "guarantees", "attacks", "devices",
        "version", "recipes", "networks", "trainable_sets", "tables",
    }  # fmt: skip
    idle = Worker(home=home, command=(sys.executable, "-c", "import time; time.sleep(60)"))
    started = time.monotonic()
    assert idle.describe() == asked
    assert time.monotonic() - started < 1
    idle.close()


def test_a_finished_curve_equals_the_engines(ann: Visitor, weights: Path) -> None:
    job = ann.start()
    assert ann.until(job, "finished")["result"] == expected(weights, 500)
    assert ann.start() == job
    assert ann.follow(job)["state"] == "finished"


def test_a_killed_process_loses_no_run(
    ann: Visitor, bob: Visitor, worker: Worker, weights: Path
) -> None:
    before = bob.start()
    bob.until(before, "finished")
    job, other = ann.start(n=4000, seed=1), bob.start(n=300, seed=2)
    ann.until_step(job)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    assert bob.until(other, "finished")["result"] == expected(weights, 300, seed=2)
    assert bob.follow(before)["state"] == "finished"
    assert ann.until(job, "finished")["result"] == expected(weights, 4000, seed=1)
    assert ann.start(n=4000, seed=1) == job


def test_a_comparison_survives_the_death_of_its_process(
    ann: Visitor, bob: Visitor, worker: Worker
) -> None:
    images = ann.call("images_of_set", model=ann.model, set="mnist5k", count=5)["images"]
    grid = {"selector": "grid", "settings": {"n": 200}, "guarantee": "frozen"}
    fixed = {"selector": "fixed", "settings": {"sigma": 0.3}, "guarantee": "global_sigma"}
    question = {
        "kind": "compare", "model": ann.model, "images": [one["image"] for one in images],
        "config": {"methods": [fixed, grid], "sigmas": [0.2, 0.4], "n": 2000}, "device": "cpu",
    }  # fmt: skip
    job = ann.call("start", **question)["job"]
    ann.until_step(job)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    found = ann.until(job, "finished")
    assert len(found["result"]["methods"]) == 2
    assert len(found["result"]["curves"]) == 5
    assert found["result"]["dataset"] == "MNIST train (5,000)"
    assert ann.call("start", **question) == {"job": job, "state": "finished"}
    job = bob.start(seed=77)
    assert bob.until(job, "finished")["result"] is not None


def test_a_training_goes_on_after_the_death_of_its_process(
    ann: Visitor, bob: Visitor, worker: Worker
) -> None:
    """Pages answer meanwhile."""
    settings = {"epochs": 12, "augment": "none", "precision": "fp32"}

    def train(visitor: Visitor) -> str:
        image = visitor.call("held_out_images", set="digits", count=1)["images"][0]["image"]
        config = {"dataset": "digits", "architecture": "mlp", "settings": settings, "probe_n": 60}
        asked = {
            "kind": "train",
            "config": config | {"probes": [image]},
            "device": "cpu",
            "seed": 0,
        }
        return str(visitor.call("start", **asked)["job"])

    def epochs(found: dict[str, Any]) -> list[dict[str, Any]]:
        shown = found["result"] or found["step"] or {}
        return list(shown.get("course", {}).get("epochs", []))

    job = train(ann)
    while len(done := epochs(ann.follow(job))) < 3:
        time.sleep(0.01)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    while not (after := epochs(ann.follow(job))):
        time.sleep(0.01)
    assert after[: len(done)] == done  # times and all: these epochs were not trained again
    disturbed = ann.until(job, "finished")["result"]
    whole = bob.until(train(bob), "finished")["result"]
    losses = [[e["loss"] for e in epochs({"result": one})] for one in (disturbed, whole)]
    assert losses[0] == losses[1]
    points = [one["course"]["probes"][0]["points"] for one in (disturbed, whole)]
    assert points[0] == points[1]
    assert disturbed["spec"]["sha256"] == whole["spec"]["sha256"]


def kill_at_work(pid: int, lock: Path) -> None:
    """Kill a worker while it advances a run."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.001)
        if lock.read_bytes() == b"1":
            os.kill(pid, signal.SIGKILL)
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.005)


def test_a_run_that_kills_three_processes_is_given_up_and_the_rest_goes_on(
    tmp_path: Path, weights: Path
) -> None:
    worker = Worker(home=tmp_path, nice=0)
    ann, bob = Visitor(worker, weights, "ann"), Visitor(worker, weights, "bob")
    greedy = ann.start(n=1_000_000)
    for _ in range(3):
        ann.until_step(greedy)
        assert worker.pid is not None
        kill_at_work(worker.pid, tmp_path / "runs" / greedy / "lock")
    found = ann.until(greedy, "failed")
    assert found["error"].startswith("failed: the compute process died three times")
    assert "memory" not in found["error"]  # this test killed it, and not the system for memory
    assert bob.until(bob.start(n=300), "finished")["result"] == expected(weights, 300)
    worker.close()


def test_ten_equal_sweeps_share_the_machine(worker: Worker, weights: Path) -> None:
    """Whoever started later catches up: after a while nobody is 1.5 times ahead of anybody."""
    visitors = [Visitor(worker, weights, f"visitor {k}") for k in range(10)]
    jobs = [visitor.start(n=1_000_000) for visitor in visitors]
    assert len(set(jobs)) == 10
    deadline = time.monotonic() + 200
    done = [0]
    while min(done) < 60_000 and time.monotonic() < deadline:
        pairs = zip(visitors, jobs, strict=True)
        done = [visitor.follow(job)["done"] for visitor, job in pairs]
        time.sleep(0.05)
    for visitor, job in zip(visitors, jobs, strict=True):
        visitor.call("cancel", job=job)
    assert min(done) >= 60_000
    assert max(done) <= 1.5 * min(done)


def test_a_cancel_is_acknowledged_at_once_beside_other_work(ann: Visitor, bob: Visitor) -> None:
    background = bob.start(n=1_000_000)
    bob.until_step(background)
    for seed in range(3, 8):
        job = ann.start(n=1_000_000, seed=seed)
        ann.until_step(job)
        assert ann.call("cancel", job=job)["state"] == "cancelled"
        assert ann.follow(job)["state"] == "cancelled"
    assert bob.follow(background)["state"] == "running"
    bob.call("cancel", job=background)


def test_pause_holds_and_resume_goes_on(ann: Visitor, weights: Path) -> None:
    job = ann.start(n=3000, seed=9)
    ann.until_step(job)
    assert ann.call("pause", job=job)["state"] == "paused"
    time.sleep(0.3)
    held = ann.follow(job)["done"]
    time.sleep(0.3)
    assert ann.follow(job)["done"] == held
    ann.call("resume", job=job)
    assert ann.until(job, "finished")["result"] == expected(weights, 3000, seed=9)


def test_two_owners_see_nothing_of_each_other(ann: Visitor, bob: Visitor) -> None:
    job = ann.start(seed=10)
    for verb in ("follow", "cancel", "pause", "resume"):
        with pytest.raises(WorkerError, match="not found") as caught:
            bob.call(verb, job=job)
        assert caught.value.kind == "NotFoundError"
    assert job not in [run["job"] for run in bob.call("runs")["runs"]]
    assert bob.start(seed=10) != job
    assert ann.until(job, "finished")["error"] is None


def test_refusals_arrive_as_sentences(ann: Visitor) -> None:
    with pytest.raises(WorkerError, match="n=0 is out of range: give a number at least 1") as bad:
        ann.start(n=0)
    assert bad.value.kind == "ParameterError"
    assert isinstance(bad.value, RsError)
    with pytest.raises(WorkerError, match="not a supported image") as image:
        ann.call("decode", model=ann.model, name="x", data=base64.b64encode(b"text").decode())
    assert image.value.kind == "ImageError"
    with pytest.raises(WorkerError, match="unknown verb"):
        ann.call("fly")


def test_many_threads_ask_at_once(ann: Visitor) -> None:
    job, found = ann.start(seed=11), []

    def ask() -> None:
        for _ in range(20):
            found.append(ann.follow(job)["job"])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [job] * 160


def test_two_starts_of_the_same_run_are_one(ann: Visitor) -> None:
    jobs: list[str] = []
    threads = [
        threading.Thread(target=lambda: jobs.append(ann.start(n=700, seed=12))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jobs) == 6
    assert len(set(jobs)) == 1


def test_closing_ends_the_process_and_the_next_one_goes_on(tmp_path: Path, weights: Path) -> None:
    first = Worker(home=tmp_path, nice=0)
    visitor = Visitor(first, weights, "ann")
    done, under_way = visitor.start(), visitor.start(n=3000, seed=1)
    visitor.until(done, "finished")
    visitor.until_step(under_way)
    pid = first.pid
    first.close()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(WorkerError, match="shutting down"):
        first.call("ping")
    second = Worker(home=tmp_path, nice=0)
    visitor.worker = second
    assert visitor.until(under_way, "finished")["result"] == expected(weights, 3000, seed=1)
    assert visitor.start() == done
    assert visitor.follow(done)["result"] == expected(weights, 500)
    second.close()


STUB = """
import json, os, sys, time
for line in sys.stdin:
    request = json.loads(line)
    {body}
    print(json.dumps({{"id": request["id"], "ok": {{"pid": os.getpid()}}}}), flush=True)
"""


def stub(tmp_path: Path, body: str, **options: Any) -> Worker:
    """A worker whose process runs `body` for each request."""
    command = (sys.executable, "-c", STUB.format(body=body))
    return Worker(home=tmp_path, command=command, **options)


def test_a_death_is_survived_by_asking_again(tmp_path: Path) -> None:
    flag = tmp_path / "died"
    body = f"""
    if request["verb"] == "runs" and not os.path.exists({str(flag)!r}):
        open({str(flag)!r}, "w").close()
        os._exit(9)
"""
    worker = stub(tmp_path, body)
    first = worker.call("ping")["pid"]
    assert worker.call("runs")["pid"] != first
    worker.close()


def test_an_upload_that_kills_is_not_sent_again(tmp_path: Path) -> None:
    deaths = tmp_path / "deaths"
    body = f"""
    if request["verb"] == "decode":
        open({str(deaths)!r}, "a").write("x")
        os._exit(9)
"""
    worker = stub(tmp_path, body)
    with pytest.raises(WorkerError, match="ended while it read this file"):
        worker.call("decode")
    assert worker.call("ping")
    assert deaths.read_text() == "x"
    worker.close()


def test_a_process_that_keeps_dying_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_ui.client.process.Restarts.WAIT", 0.01)
    worker = Worker(home=tmp_path, command=(sys.executable, "-c", "raise SystemExit(3)"))
    started = time.monotonic()
    with pytest.raises(WorkerError, match="5 times within a minute: wait a minute"):
        worker.call("ping")
    assert time.monotonic() - started < 20
    worker.close()


def test_a_process_that_hangs_is_replaced(tmp_path: Path) -> None:
    worker = stub(tmp_path, 'time.sleep(600 if request["verb"] == "hang" else 0)', timeout=0.5)
    first = worker.call("ping")["pid"]
    with pytest.raises(WorkerError, match=r"no answer within 0.5 s: try again"):
        worker.call("hang")
    assert worker.call("ping")["pid"] != first
    worker.close()


def test_stray_lines_do_not_disturb(tmp_path: Path) -> None:
    worker = stub(tmp_path, 'print("hello"); print("{}"); print("[]")')
    assert worker.call("ping")["pid"] == worker.pid
    worker.close()


def test_a_command_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    worker = Worker(home=tmp_path, command=("no-such-program",))
    with pytest.raises(WorkerError, match="cannot be started"):
        worker.call("ping")
    worker.close()


def test_the_priority_is_lowered(tmp_path: Path) -> None:
    worker = stub(tmp_path, "pass", nice=7)
    pid = worker.call("ping")["pid"]
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(os.getpriority(os.PRIO_PROCESS, 0) + 7, 19)
    worker.close()


@pytest.mark.parametrize("name", ["rs_ui.client.worker", "rs_core.store"])
def test_the_web_side_never_imports_torch_or_streamlit(name: str) -> None:
    code = f"import sys, {name}; sys.exit(any(n in sys.modules for n in ('torch', 'streamlit')))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
