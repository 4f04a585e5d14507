from pathlib import Path

import pytest

from rs_core.errors import DamagedError, StoreError
from rs_core.store import Progress, RunStore, checkpoint_of_run, model_of_run, owner_id

ANN = owner_id("ann")


def run_of(store: RunStore, kind: str, progress: Progress, **result: str) -> str:
    run, claim = store.create(ANN, key=kind, kind=kind, title="t", request={})
    store.update(run.job, progress)
    if result:
        store.finish(run.job, result, progress)
    claim.release()
    return run.job


def test_the_network_of_a_finished_training_is_found(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    model, path = store.belongings.keep_model(ANN, b"weights", b"{}")
    job = run_of(store, "train", Progress(), model=f"upload:{model}")
    assert model_of_run(job, tmp_path) == path
    store.belongings.drop_model(ANN, model)
    with pytest.raises(StoreError, match="was deleted: start the training again"):
        model_of_run(job, tmp_path)
    store.close()


def test_other_runs_have_none(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    swept, open_ = run_of(store, "sweep", Progress()), run_of(store, "train", Progress("paused"))
    with pytest.raises(StoreError, match="is a sweep, not a training"):
        model_of_run(swept, tmp_path)
    with pytest.raises(StoreError, match="is paused: it has a network once it is finished"):
        model_of_run(open_, tmp_path)
    store.close()


def test_a_training_that_was_damaged_says_so(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    model, _ = store.belongings.keep_model(ANN, b"weights", b"{}")
    job = run_of(store, "train", Progress(), model=f"upload:{model}")
    path = store.folder(job) / "result.json"
    path.write_bytes(path.read_bytes().replace(model.encode(), b"0" * 32))
    with pytest.raises(DamagedError, match=r"result\.json does not match its checksum"):
        model_of_run(job, tmp_path)
    (store.folder(job) / "request.json").write_text("null")
    for ask in (model_of_run, checkpoint_of_run):
        with pytest.raises(DamagedError, match=r"request\.json holds no object"):
            ask(job, tmp_path)
    store.close()


def test_an_unfinished_training_has_a_checkpoint_folder(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    open_ = run_of(store, "train", Progress("cancelled"))
    assert checkpoint_of_run(open_, tmp_path) == store.folder(open_) / "checkpoint"
    ended = run_of(store, "train", Progress(), model="upload:gone")
    assert checkpoint_of_run(ended, tmp_path) is None
    with pytest.raises(StoreError, match="is a sweep, not a training"):
        checkpoint_of_run(run_of(store, "sweep", Progress()), tmp_path)
    store.close()


@pytest.mark.parametrize("text", ["", "mnist-conv4", "../../etc/passwd", "a" * 22, "x" * 5000])
def test_any_other_text_is_no_run_and_makes_nothing(tmp_path: Path, text: str) -> None:
    home = tmp_path / "nothing"
    assert model_of_run(text, home) is None
    assert checkpoint_of_run(text, home) is None
    assert not home.exists()
