"""The linear programme here and in a process of its own: one answer, and an end at any moment."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from rs_core.events import Finished
from rs_core.guarantees.regions import programme as module
from rs_core.guarantees.regions.overlaps import Overlaps, find_overlaps
from rs_core.guarantees.regions.programme import ProgrammeStep, linear_programme, solving
from rs_core.guarantees.regions.radii import lay_out
from rs_core.statistics import packing
from tests.guarantees.regions.test_radii import balls, line


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small: solve in a process."""
    monkeypatch.setattr(module, "_PAIRS_HERE", 0)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, apart: None) -> list[subprocess.Popen[bytes]]:
    """The processes that a test has started."""
    found: list[subprocess.Popen[bytes]] = []
    start = module._started

    def noted(*files: object) -> subprocess.Popen[bytes]:
        found.append(start(*files))
        return found[-1]

    monkeypatch.setattr(module, "_started", noted)
    return found


def crowd(count: int = 2500) -> tuple[Overlaps, np.ndarray]:
    """One component of a million pairs, which takes the solver many seconds."""
    rng = np.random.default_rng(0)
    points = rng.standard_normal((count, 12))
    radii = np.exp(0.1 * rng.standard_normal(count)) * 2.2
    return find_overlaps(points, radii), radii


def program_of(lines: str) -> list[str]:
    """A process in the solver's place."""
    return [sys.executable, "-c", lines]


def replaced(monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
    """Let another program run where the solver would."""

    def start(question: object, answers: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(program_of(lines), stdin=question, stdout=answers)

    monkeypatch.setattr(module, "_started", start)


@pytest.mark.parametrize("seed", range(4))
def test_a_process_finds_what_this_one_finds(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    points, labels, radii = balls(seed, 40, 2)
    for mode in ("strict", "label_aware"):
        here = lay_out(points, labels, radii, mode=mode)
        monkeypatch.setattr(module, "_PAIRS_HERE", 0)
        there = lay_out(points, labels, radii, mode=mode)
        monkeypatch.undo()
        assert here.radii.tolist() == there.radii.tolist()
        assert here.degrees.tolist() == there.degrees.tolist()
        assert there.unfinished is None


def test_few_pairs_do_not_start_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*files: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(module, "_started", refuse)
    points, labels, radii = balls(1, 40, 2)
    lay_out(points, labels, radii, mode="strict")
    monkeypatch.setattr(module, "_PAIRS_HERE", 0)
    with pytest.raises(AssertionError, match="was started"):
        lay_out(points, labels, radii, mode="strict")


def test_steps_count_components_and_seconds(apart: None) -> None:
    points, _, radii = balls(7, 60, 2)
    *steps, last = solving(find_overlaps(points, radii), radii, 60)
    assert isinstance(last, Finished)
    assert all(isinstance(step, ProgrammeStep) for step in steps)
    solved = [step.solved for step in steps]
    assert solved == sorted(solved) == [step.done for step in steps]
    assert solved[-1] == steps[-1].components == last.result.components > 1
    seconds = [step.seconds for step in steps]
    assert seconds == sorted(seconds)
    assert {step.time_limit for step in steps} == {60}


def test_it_ends_at_once_when_the_stream_is_closed(
    started: list[subprocess.Popen[bytes]],
) -> None:
    stream = solving(*crowd(), 3600)
    assert [next(stream).solved for _ in range(5)] == [0] * 5
    assert started[0].poll() is None
    stream.close()
    assert started[0].poll() == -signal.SIGKILL
    assert len(started) == 1


def test_it_ends_when_nobody_holds_the_stream_of_the_whole_guarantee(
    started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the worker cancels: the last reference goes, in the middle of the programme."""
    from tests.guarantees.regions.test_guarantee import HALF_SPACE, N, Regions, Selection, at

    monkeypatch.setattr(module, "_POLL_SECONDS", 0.0)
    images = [at(t) for t in np.linspace(0.5, 0.7, 6)]
    regions = Regions(n=N, mode="strict")
    stream = regions.run(HALF_SPACE, images, [Selection("grid", 0.3, (), 0)] * 6, seed=0)
    assert any(isinstance(event, ProgrammeStep) for event in stream)
    assert started[0].poll() is None
    del stream
    assert started[0].poll() == -signal.SIGKILL


def test_it_ends_at_the_time_limit_and_keeps_what_it_has(
    started: list[subprocess.Popen[bytes]],
) -> None:
    overlaps, radii = crowd()
    found = linear_programme(overlaps, radii, 1.0)
    assert started[0].poll() is not None
    assert (found.solved, found.components) == (0, 1)
    assert found.stopped == "reached its limit of 1 s"
    assert (found.radii == 0).all()


def test_the_process_stops_by_itself_at_the_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """So that a stopped reader leaves no solver behind."""
    overlaps, radii = crowd()
    question = tmp_path / "question"
    only = packing.Packing(overlaps.first, overlaps.second, overlaps.distance, radii)
    with question.open("wb") as file:
        packing.write(file, [only], 1.0, fair=True)
    command = [sys.executable, "-m", "rs_core.statistics.packing", str(os.getpid())]
    with question.open("rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, b"")


ORPHAN = """
import os, sys
from tests.guarantees.regions.test_programme import crowd
from rs_core.guarantees.regions import programme
start = programme._started
def noted(*files):
    process = start(*files)
    print(process.pid, flush=True)
    return process
programme._started = noted
stream = programme.solving(*crowd(), 3600)
while True:
    next(stream)
"""


def test_it_ends_with_its_parent() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(child, 0)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(200):
        if not running(child):
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("the solver outlived its parent")


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("import os; os.kill(os.getpid(), 9)", "lost its process (signal 9) with 0 of 2"),
        ("raise SystemExit(3)", "lost its process (exit code 3) with 0 of 2"),
        (
            "print('[0.5, 0.5]'); print('[0.', end=''); raise SystemExit(1)",
            "lost its process (exit code 1) with 1 of 2",
        ),
        ("pass", "reached its limit of 60 s with 0 of 2"),
    ],
)
def test_a_dead_process_is_said_and_online_regions_take_its_place(
    lines: str, said: str, apart: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced(monkeypatch, lines)
    found = line([0, 1, 10, 11], [0.8, 0.8, 0.8, 0.8])
    assert found.notes[0].startswith(f"the strict linear programme {said} components solved")
    assert found.mode == "online"
    assert found.radii == pytest.approx([0.8, 0.2, 0.8, 0.2])
    solved = [0, 0, 0.5, 0.5] if "1 of 2" in said else [0] * 4
    assert found.unfinished is not None
    assert sorted(found.unfinished) == pytest.approx(solved)


def test_no_process_to_be_had_is_said(apart: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*files: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(module, "_started", refuse)
    found = line([0, 1], [0.8, 0.8])
    assert "got no process (Cannot allocate memory) with 0 of 1" in found.notes[0]


def test_a_process_that_hangs_is_ended_at_the_limit(
    apart: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that gains half a second whenever it is read."""
    replaced(monkeypatch, "import time; time.sleep(3600)")
    clock = SimpleNamespace(monotonic=itertools.count(0, 0.5).__next__)
    monkeypatch.setattr(module, "time", clock)
    points = np.array([[0.0], [1.0]])
    radii = np.full(2, 0.8)
    *steps, last = solving(find_overlaps(points, radii), radii, 6.0)
    assert isinstance(last, Finished)
    assert last.result.stopped == "reached its limit of 6 s"
    assert steps[-1].seconds < 8


def test_a_wrong_answer_of_the_process_is_not_mended(
    apart: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced(monkeypatch, "print('[0.8, 0.8]')")
    with pytest.raises(RuntimeError, match="outside its constraints"):
        line([0, 1], [0.8, 0.8])


def test_the_solver_itself_runs_out_of_time_in_the_largest_component(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    solve = packing.linprog

    def slow(objective: np.ndarray, **rest: object) -> object:
        answer = solve(objective, **rest)
        if len(objective) > 2:
            answer.status, answer.x = 1, None
        return answer

    monkeypatch.setattr(packing, "linprog", slow)
    radii = [1, 1, 1, 0.8, 0.8]
    found = line([0, 1, 2, 10, 11], radii, time_limit=60, optimum="published")
    assert "1 of 2 components" in found.notes[0]
    assert found.unfinished is not None
    assert found.unfinished[:3].tolist() == [0, 0, 0]
    assert found.unfinished[3:].sum() == pytest.approx(1)
    assert found.radii[3:].sum() == pytest.approx(1)


@pytest.mark.parametrize("slip", [1e-7, 1e-12])
def test_a_solver_that_misses_by_its_tolerance_is_shrunk(
    slip: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    solve = packing.linprog

    def loose(objective: np.ndarray, **rest: object) -> object:
        answer = solve(objective, **rest)
        answer.x = answer.x + slip
        return answer

    monkeypatch.setattr(packing, "linprog", loose)
    points, _, radii = balls(7, 30, 2)
    overlaps = find_overlaps(points, radii)
    found = linear_programme(overlaps, radii, 60).radii
    assert (found[overlaps.first] + found[overlaps.second] <= overlaps.distance).all()
    monkeypatch.setattr(module, "_shrunk", lambda overlaps, found, radii: np.minimum(found, radii))
    with pytest.raises(RuntimeError, match="break a constraint"):
        linear_programme(overlaps, radii, 60)


def test_a_wrong_solver_is_not_mended_but_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    solve = packing.linprog

    def wrong(objective: np.ndarray, **rest: object) -> object:
        answer = solve(objective, **rest)
        answer.x = answer.x + 0.01
        return answer

    monkeypatch.setattr(packing, "linprog", wrong)
    with pytest.raises(RuntimeError, match="outside its constraints"):
        line([0, 1], [1, 1])
