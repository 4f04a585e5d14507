"""Whose fault a death is, and what is known of its cause."""

import json
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from rs_core.store import Tenancy
from rs_core.worker import Api, Scheduler, life
from rs_core.worker.life import Life, memory_kills
from rs_core.worker.runs import MAX_STRIKES
from tests.worker.conftest import Office
from tests.worker.test_runs import restarted


def moved_in(home: Path) -> Tenancy:
    tenancy = Tenancy.take(home, "worker")
    assert isinstance(tenancy, Tenancy)
    return tenancy


def after(home: Path, tenancy: Tenancy) -> Life:
    """The life after one that was killed in this moment."""
    tenancy.release()
    return Life(moved_in(home))


def test_a_death_while_the_desk_is_at_work_is_excused(tmp_path: Path) -> None:
    tenancy = moved_in(tmp_path)
    first = Life(tenancy)
    assert not first.excused
    with first.answering():
        second = after(tmp_path, tenancy)
    assert second.excused


def test_a_death_at_any_other_moment_is_not(tmp_path: Path) -> None:
    tenancy = moved_in(tmp_path)
    first = Life(tenancy)
    with first.answering():
        pass
    assert not after(tmp_path, tenancy).excused


def test_one_desk_of_two_that_is_still_at_work_excuses(tmp_path: Path) -> None:
    tenancy = moved_in(tmp_path)
    first = Life(tenancy)
    begun, done = Event(), Event()

    def answer() -> None:
        with first.answering():
            begun.set()
            done.wait(60)

    side = Thread(target=answer)
    side.start()
    begun.wait(60)
    with first.answering(), first.waiting():
        pass
    second = after(tmp_path, tenancy)
    done.set()
    side.join()
    assert second.excused


def test_a_desk_that_waits_for_the_runs_step_is_not_at_work(tmp_path: Path) -> None:
    tenancy = moved_in(tmp_path)
    first = Life(tenancy)
    with first.answering(), first.waiting():
        second = after(tmp_path, tenancy)
    assert not second.excused


def test_the_end_that_was_asked_for_is_excused(tmp_path: Path) -> None:
    tenancy = moved_in(tmp_path)
    first = Life(tenancy)
    first.leave()
    with first.answering():
        pass
    first.look_around()
    assert after(tmp_path, tenancy).excused


def test_two_lives_at_once_are_not_had(tmp_path: Path) -> None:
    tenancy = moved_in(tmp_path)
    tenancy.write(address="http://127.0.0.1:8501")
    told = Tenancy.take(tmp_path, "worker")
    assert isinstance(told, dict)
    assert told["address"] == "http://127.0.0.1:8501"
    assert isinstance(Tenancy.take(tmp_path, "server"), Tenancy)
    assert (tmp_path / "worker.lock").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("left", [b"", b"{", b"[]", b"null", b'{"excused": "yes", "kills": 7}'])
def test_word_that_cannot_be_read_says_nothing(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "worker.lock").write_bytes(left)
    found = Life(moved_in(tmp_path))
    assert (found.excused, found.starved) == (False, False)


KILLS = [["boot 1", 3], ["boot 1", 4], ["boot 2", 4], None]


@pytest.mark.parametrize(
    ("before", "now", "starved"),
    [(0, 1, True), (0, 0, False), (1, 0, False), (0, 2, False), (0, 3, False), (3, 1, False)],
)
def test_want_of_memory_is_known_from_the_systems_own_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int, now: int, starved: bool
) -> None:
    monkeypatch.setattr(life, "memory_kills", lambda: KILLS[before])
    tenancy = moved_in(tmp_path)
    Life(tenancy)
    monkeypatch.setattr(life, "memory_kills", lambda: KILLS[now])
    assert after(tmp_path, tenancy).starved is starved


def test_another_process_that_was_killed_meanwhile_is_no_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "memory_kills", lambda: KILLS[0])
    tenancy = moved_in(tmp_path)
    first = Life(tenancy)
    monkeypatch.setattr(life, "memory_kills", lambda: KILLS[1])
    first.look_around()
    assert not after(tmp_path, tenancy).starved


@pytest.mark.parametrize(
    ("groups", "counter"),
    [
        ("0::/app.slice/rs\n", "app.slice/rs/memory.events"),
        ("4:memory:/docker/abc\n0::/\n", "memory/docker/abc/memory.oom_control"),
        ("4:memory:/docker/unseen\n0::/\n", "memory/memory.oom_control"),
    ],
)
def test_the_count_is_the_control_groups_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: str, counter: str
) -> None:
    monkeypatch.setattr(life, "_GROUPS", tmp_path)
    monkeypatch.setattr(life, "_OWN", tmp_path / "own")
    (tmp_path / "own").write_text(groups)
    (tmp_path / counter).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / counter).write_text("under_oom 0\noom 9\noom_kill 5\n")
    found = memory_kills()
    assert found is not None
    assert found[1] == 5
    assert str(found[0]).endswith(counter)


def with_life(office: Office) -> Office:
    """The office of a process that holds its home."""
    office.bench = Scheduler(
        office.store, clock=office.clock, life=Life(moved_in(office.store.home))
    )
    office.desk = Api(office.store, office.bench)
    return office


def killed_in_turn(office: Office, job: str) -> Office:
    """The office of the next process, after the death of the first in the midst of a turn."""
    opened = office.bench.get(job)
    assert opened is not None
    opened.claim.mark(in_turn=True)
    tenancy = office.bench.life._tenancy
    assert tenancy is not None
    tenancy.release()
    later = with_life(restarted(office))
    later.desk.opener.adopt_all()
    return later


def test_a_file_that_kills_the_process_strikes_no_neighbour(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = with_life(office)
    job = office.start()
    for _ in range(MAX_STRIKES + 1):
        later: list[Office] = []

        def die(*_: Any, at: Office = office, found: list[Office] = later, **__: Any) -> None:
            found.append(killed_in_turn(at, job))
            raise MemoryError

        monkeypatch.setattr("rs_core.worker.desk.images.decode", die)
        with pytest.raises(MemoryError):
            office.ask("decode", "bob", model="mnist-conv4", name="bomb.jpg", data="AAAA")
        (office,) = later
        assert office.store.read(job).progress.strikes == 0
    office.finish()
    assert office.follow(job)["state"] == "finished"


@pytest.mark.parametrize("starved", [False, True])
def test_memory_is_said_only_where_the_system_says_so(
    office: Office, monkeypatch: pytest.MonkeyPatch, starved: bool
) -> None:
    office = with_life(office)
    job = office.start()
    for count in range(MAX_STRIKES):
        monkeypatch.setattr(life, "memory_kills", lambda at=count: ["boot", at if starved else 0])
        office.bench.life.__init__(office.bench.life._tenancy)
        monkeypatch.setattr(
            life, "memory_kills", lambda at=count: ["boot", at + 1 if starved else 0]
        )
        office = killed_in_turn(office, job)
    error = office.follow(job)["error"]
    assert error.startswith("failed: the compute process died three times in the midst of this run")
    assert ("memory" in error) is starved


def test_word_is_short_enough_for_one_write(tmp_path: Path) -> None:
    Life(moved_in(tmp_path))
    assert len(json.loads((tmp_path / "worker.lock").read_bytes())) == 3
    assert (tmp_path / "worker.lock").stat().st_size == 500
