import threading
from pathlib import Path

import pytest

from rs_core.errors import NotFoundError, StoreError
from rs_core.store import Progress, RunStore
from rs_core.store.documents import write_document
from tests.store.conftest import ANN, BOB, MakeRun


def test_a_run_is_read_back_as_it_was_asked(store: RunStore, make_run: MakeRun) -> None:
    run = make_run(request={"seed": 3, "config": {"n": 10}})
    assert store.read(run.job, ANN) == run
    assert run.progress == Progress()
    assert len(run.job) == 22
    assert make_run().job != run.job


def test_a_finished_run_keeps_its_result(store: RunStore, make_run: MakeRun) -> None:
    run = make_run()
    with pytest.raises(NotFoundError, match="result not found"):
        store.result(run.job)
    store.finish(run.job, {"radius": 0.5}, Progress(seconds=2.0, total=7))
    assert store.result(run.job) == {"radius": 0.5}
    progress = store.read(run.job).progress
    assert (progress.state, progress.seconds, progress.total) == ("finished", 2.0, 7)
    assert progress.ended is not None


@pytest.mark.parametrize("job", ["", "nothing", "../../etc", "a" * 22, "..", "x" * 22 + "/"])
def test_a_guessed_id_is_not_found(store: RunStore, job: str) -> None:
    with pytest.raises(NotFoundError, match="run not found"):
        store.read(job, ANN)


def test_another_owner_sees_nothing(store: RunStore, make_run: MakeRun) -> None:
    run = make_run(ANN)
    store.finish(run.job, 1, Progress())
    with pytest.raises(NotFoundError):
        store.read(run.job, BOB)
    assert store.find(BOB, "k") is None
    assert store.runs(BOB) == []
    assert [r["job"] for r in store.runs(ANN)] == [run.job]
    assert set(store.runs(ANN)[0]) == {"job", "kind", "title", "state", "created", "ended", "size"}


def test_content_is_found_again_open_or_finished(store: RunStore, make_run: MakeRun) -> None:
    assert store.find(ANN, "k") is None
    run = make_run()
    assert store.find(ANN, "k") == (run.job, "queued")
    store.finish(run.job, 1, Progress())
    assert store.find(ANN, "k") == (run.job, "finished")
    assert store.find(ANN, "other") is None


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_run_without_result_is_not_found_again(
    store: RunStore, make_run: MakeRun, state: str
) -> None:
    run = make_run()
    store.update(run.job, Progress(state))
    assert store.find(ANN, "k") is None
    assert store.unfinished() == []


def test_a_finished_run_whose_result_vanished_is_computed_again(
    store: RunStore, make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    store.finish(run.job, 1, Progress())
    (tmp_path / "home" / "runs" / run.job / "result.json").unlink()
    assert store.find(ANN, "k") is None


def test_unfinished_runs_are_listed_oldest_first(store: RunStore, make_run: MakeRun) -> None:
    first, second, third = make_run(), make_run(), make_run()
    store.finish(second.job, 1, Progress())
    store.update(third.job, Progress("paused", held=True))
    assert [run.job for run in store.unfinished()] == [first.job, third.job]


def test_a_deleted_run_stays_deleted(store: RunStore, make_run: MakeRun) -> None:
    run = make_run()
    store.delete(run.job)
    store.update(run.job, Progress("running"))
    store.finish(run.job, 1, Progress())
    with pytest.raises(NotFoundError):
        store.read(run.job)
    assert store.runs(ANN) == []
    assert store.claim(run.job) is None


def test_deleting_an_owner_leaves_the_others(store: RunStore, make_run: MakeRun) -> None:
    gone, kept = make_run(ANN), make_run(BOB)
    store.belongings.keep_image(ANN, "0" * 32, {})
    store.belongings.keep_image(BOB, "0" * 32, {})
    assert store.delete_owner(ANN) == (1, [])
    with pytest.raises(NotFoundError):
        store.read(gone.job)
    with pytest.raises(NotFoundError):
        store.belongings.image(ANN, "0" * 32)
    assert store.read(kept.job, BOB) == kept
    assert store.belongings.image(BOB, "0" * 32) == {}


def test_runs_are_there_after_a_restart(store: RunStore, make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    store.finish(run.job, [1, 2], Progress())
    store.close()
    again = RunStore(tmp_path / "home")
    assert again.find(ANN, "k") == (run.job, "finished")
    assert again.result(run.job) == [1, 2]
    again.close()


def test_a_death_between_state_and_index_is_mended(
    store: RunStore, make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    folder = tmp_path / "home" / "runs" / run.job
    write_document(folder / "result.json", 1)
    write_document(folder / "state", {"state": "finished", "ended": 5.0})
    assert store.unfinished() == []
    assert store.runs(ANN)[0]["state"] == "finished"


def test_many_threads_write_at_once(store: RunStore, make_run: MakeRun) -> None:
    def work() -> None:
        for _ in range(5):
            store.finish(make_run().job, 1, Progress())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run["state"] for run in store.runs(ANN)] == ["finished"] * 20


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written .*: free some space"):
        RunStore(tmp_path / "file" / "home")


def test_a_full_disk_is_one_sentence_and_keeps_the_old_state(
    store: RunStore, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rs_core.store.runs.write_durably", full)
    with pytest.raises(StoreError, match="No space left on device"):
        store.finish(run.job, 1, Progress())
    assert store.read(run.job) == run
