from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rs_core.errors import ParameterError, StoreError
from rs_core.events import Finished, Step, Stream
from rs_core.smoothing.sweep import SweepStep
from rs_core.store import RunStore, owner_id
from rs_core.worker import Job, Scheduler

ANN = owner_id("ann")


class Hall:
    """A bench on a clock that only moves when a step takes time."""

    def __init__(self, home: Path) -> None:
        self.now = 0.0
        self.store = RunStore(home)
        self.bench = Scheduler(self.store, clock=self.read, effort=self.read)
        self.log: list[str] = []

    def read(self) -> float:
        return self.now

    def add(self, name: str, stream: Callable[[], Stream[Any]]) -> Job:
        run, claim = self.store.create(ANN, key=name, kind="sweep", title=name, request={})
        job = Job(run.job, ANN, stream, claim)
        self.bench.add(job)
        return job

    def steps(self, name: str, count: int, seconds: float = 0.03) -> Stream[str]:
        for number in range(count):
            self.now += seconds
            self.log.append(name)
            yield Step(number + 1, count)
        yield Finished(f"result of {name}")

    def add_steps(self, name: str, count: int, seconds: float = 0.03) -> Job:
        return self.add(name, lambda: self.steps(name, count, seconds))

    def finish(self) -> None:
        while self.bench.turn():
            pass

    def state(self, job: Job) -> str:
        return self.store.read(job.id).progress.state


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    made = Hall(tmp_path)
    yield made
    made.store.close()


def test_a_run_ends_in_the_store(hall: Hall) -> None:
    job = hall.add_steps("a", 10)
    assert job.progress.state == "queued"
    assert hall.bench.turn()
    assert (job.progress.state, job.done, job.total) == ("running", 4, 10)
    hall.finish()
    assert hall.store.result(job.id) == "result of a"
    progress = hall.store.read(job.id).progress
    assert (progress.state, progress.total) == ("finished", 10)
    assert progress.seconds == pytest.approx(0.3)
    assert hall.bench.get(job.id) is None
    assert hall.store.claim(job.id) is not None
    assert not hall.bench.turn()


def test_turns_go_round(hall: Hall) -> None:
    for name in "abc":
        hall.add_steps(name, 8)
    hall.finish()
    assert "".join(hall.log) == "aaaabbbbcccc" * 2


def test_who_came_later_catches_up(hall: Hall) -> None:
    hall.add_steps("a", 28)
    for _ in range(3):
        hall.bench.turn()
    hall.add_steps("b", 16)
    hall.finish()
    turns = "".join(hall.log)[::4]
    assert turns[:3] == "aaa"
    assert turns[3:7].count("b") >= 3
    assert turns.rindex("b") < len(turns) - 1


def test_a_long_run_is_not_left_out_by_newcomers(hall: Hall) -> None:
    hall.add_steps("l", 1000)
    for _ in range(5):
        hall.bench.turn()
    for name in "abcdefgh":
        hall.add_steps(name, 40)
        for _ in range(4):
            hall.bench.turn()
    newcomers = "".join(hall.log)[::4][5:]
    assert newcomers.count("l") >= 2


def test_a_slow_run_does_not_starve_the_others(hall: Hall) -> None:
    hall.add_steps("s", 5, seconds=7.0)
    hall.add_steps("q", 12)
    hall.finish()
    assert "".join(hall.log).index("ss") > "".join(hall.log).rindex("q")


def test_a_cancelled_run_ends_without_result(hall: Hall) -> None:
    job = hall.add_steps("a", 100)
    hall.bench.turn()
    hall.bench.cancel(job)
    assert hall.state(job) == "cancelled"
    hall.finish()
    assert len(hall.log) == 4
    assert hall.bench.get(job.id) is None
    hall.bench.cancel(job)
    hall.bench.pause(job)
    hall.bench.resume(job)
    assert hall.state(job) == "cancelled"


def test_a_run_cancelled_in_the_midst_of_its_last_step_stays_cancelled(hall: Hall) -> None:
    def stream() -> Stream[int]:
        hall.bench.cancel(jobs[0])
        yield Finished(1)

    jobs = [hall.add("a", stream)]
    hall.finish()
    assert hall.state(jobs[0]) == "cancelled"


def test_a_paused_run_rests_until_it_is_resumed(hall: Hall) -> None:
    job = hall.add_steps("a", 8)
    hall.bench.turn()
    hall.bench.pause(job)
    assert not hall.bench.turn()
    hall.bench.follow(job)
    assert not hall.bench.turn()
    progress = hall.store.read(job.id).progress
    assert (progress.state, progress.held) == ("paused", True)
    hall.bench.resume(job)
    hall.finish()
    assert hall.log == ["a"] * 8
    assert hall.state(job) == "finished"


def test_a_run_paused_in_the_midst_of_its_last_step_is_finished(hall: Hall) -> None:
    def stream() -> Stream[int]:
        hall.bench.pause(jobs[0])
        yield Finished(1)

    jobs = [hall.add("a", stream)]
    hall.finish()
    assert hall.state(jobs[0]) == "finished"


def test_what_nobody_follows_pauses_and_goes_on_when_followed(hall: Hall) -> None:
    left, watched = hall.add_steps("a", 8), hall.add_steps("b", 8)
    hall.bench.turn()
    hall.now += 119
    hall.bench.follow(watched)
    hall.now += 2
    hall.finish()
    assert (hall.state(left), hall.state(watched)) == ("paused", "finished")
    assert not hall.store.read(left.id).progress.held
    assert hall.log == ["a"] * 4 + ["b"] * 8
    hall.bench.follow(left)
    hall.finish()
    assert hall.state(left) == "finished"


def raising(error: Exception) -> Callable[[], Stream[Any]]:
    def stream() -> Stream[Any]:
        yield Step(1, 2)
        raise error

    return stream


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ParameterError("sigma is odd."), "sigma is odd."),
        (MemoryError(), "failed: memory: "),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "failed: memory"),
        (RuntimeError("could not create a primitive"), "failed: memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "failed: memory"),
        (ZeroDivisionError("oops"), "failed: the computation met a bug; rs.log"),
        (StopIteration(), "failed: the computation met a bug"),
    ],
)
def test_a_failure_is_one_sentence_and_others_go_on(
    hall: Hall, error: Exception, sentence: str
) -> None:
    bad, good = hall.add("a", raising(error)), hall.add_steps("b", 3)
    hall.finish()
    progress = hall.store.read(bad.id).progress
    assert progress.state == "failed"
    assert progress.error is not None
    assert progress.error.startswith(sentence)
    assert "\n" not in progress.error
    assert hall.state(good) == "finished"


def test_a_bug_is_in_the_log(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    hall.add("a", raising(ZeroDivisionError("oops")))
    hall.finish()
    assert "ZeroDivisionError: oops" in caplog.text


def test_a_stream_without_result_is_a_bug(hall: Hall) -> None:
    job = hall.add("a", lambda: iter([Step(1, 1)]))
    hall.finish()
    assert hall.state(job) == "failed"


def test_a_result_that_cannot_be_stored_can_still_be_seen(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = hall.add_steps("a", 2)

    def full(*_: object, **__: object) -> None:
        raise StoreError("no space")

    monkeypatch.setattr(hall.store, "finish", full)
    hall.finish()
    assert hall.bench.get(job.id) is job
    assert (job.progress.state, job.result) == ("finished", "result of a")
    assert hall.bench.of_owner(ANN) == []


def test_a_state_that_cannot_be_stored_stops_nobody(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = hall.add("a", raising(MemoryError())), hall.add_steps("b", 2)

    def full(*_: object, **__: object) -> None:
        raise StoreError("no space")

    monkeypatch.setattr(hall.store, "update", full)
    monkeypatch.setattr(hall.store, "finish", full)
    hall.finish()
    assert (bad.progress.state, good.progress.state) == ("failed", "finished")


def test_a_sweep_keeps_its_latest_curve(hall: Hall) -> None:
    band = SweepStep(
        3, 10, sigmas=np.array([0.1, 0.2]), predicted=np.array([-1, 4]),
        n_top=np.array([64, 64]), n_done=64, point_alpha=0.001,
    )  # fmt: skip
    job = hall.add("a", lambda: iter([Step(1, 10), band, Step(7, 10), Finished(1)]))
    hall.finish()
    assert job.step == {
        "done": 3, "total": 10, "sigmas": [0.1, 0.2], "lower": [0.0, band.lower[1]],
        "upper": [0.0, None], "predicted": [-1, 4], "n_done": 64,
    }  # fmt: skip
    assert job.done == 7
