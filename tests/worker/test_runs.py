import shutil
import sqlite3
from pathlib import Path

import pytest

from rs_core.assets import sample_path
from rs_core.classifiers import load_classifier
from rs_core.errors import NotFoundError, ParameterError, StoreError
from rs_core.events import drain
from rs_core.images import load_image
from rs_core.results import to_json
from rs_core.seed_origin import with_seed_origin
from rs_core.smoothing import Sweep
from rs_core.worker.runs import MAX_OPEN, MAX_STRIKES
from tests.worker.conftest import QUICK, Office, save_tiny


def restarted(office: Office) -> Office:
    """Another process over the same store, after the death of the first: its locks are gone."""
    for run in office.store.unfinished():
        job = office.bench.get(run.job)
        if job is not None:
            job.claim.release()
            job.stream = None
    return Office(office.store.home, office.weights, turn_seconds=office.turn_seconds)


def test_a_run_equals_the_engine_number_for_number(office: Office) -> None:
    job = office.start()
    office.finish()
    classifier = load_classifier(office.weights, device="cpu", precision="fp32")
    image = load_image(sample_path("digit-7"), classifier.spec, label=7)
    sweep = Sweep(sigmas=tuple(QUICK["sigmas"]), n=QUICK["n"], n0=QUICK["n0"])
    (expected,) = drain(sweep.run(classifier, [image], seed=0))
    told = with_seed_origin(expected, given=True)
    assert office.follow(job)["result"] == to_json(told)


def test_the_same_question_is_the_same_run(office: Office) -> None:
    first = office.start()
    assert office.start() == first
    assert office.start(config={**QUICK, "n": 200.0, "sigmas": [0.5, 0.25, 0.1, 0.1]}) == first
    office.finish()
    assert office.start() == first
    others = [
        office.start(seed=1),
        office.start(config={**QUICK, "n": 201}),
        office.start(kind="predict", config={"sigma": 0.5}),
        office.start(image=office.image(sample="digit-8")),
        office.start("bob"),
    ]
    assert len({first, *others}) == 6


def test_what_was_cancelled_is_started_afresh(office: Office) -> None:
    first = office.start()
    assert office.ask("cancel", job=first) == {"job": first, "state": "cancelled"}
    assert office.start() != first
    assert office.follow(first)["state"] == "cancelled"


def test_finished_runs_are_found_again_by_another_process(office: Office) -> None:
    first = office.start()
    office.finish()
    later = restarted(office)
    found = later.ask(
        "start", kind="sweep", model=later.model(), image=later.image(), config=QUICK,
        precision="fp32",
    )  # fmt: skip
    assert found == {"job": first, "state": "finished"}
    assert later.follow(first)["result"] == office.follow(first)["result"]
    later.store.close()


def test_a_run_under_way_goes_on_in_the_next_process(office: Office) -> None:
    job = office.start()
    office.bench.turn()
    later = restarted(office)
    later.desk.opener.adopt_all()
    later.finish()
    found = later.follow(job)
    later.ask("forget")
    untouched = later.start()
    later.finish()
    assert untouched != job
    assert found["state"] == "finished"
    assert found["result"] == later.follow(untouched)["result"]
    later.store.close()


def test_a_run_of_a_living_process_is_left_to_it(office: Office) -> None:
    job = office.start()
    other = Office(office.store.home, office.weights)
    other.desk.opener.adopt_all()
    assert not other.bench.turn()
    assert other.follow(job)["state"] == "queued"
    office.finish()
    assert other.follow(job)["state"] == "finished"
    other.store.close()


def test_paused_runs_stay_paused_over_a_restart(office: Office) -> None:
    held, idle = office.start(), office.start(seed=1)
    office.ask("pause", job=held)
    office.now = 200
    office.finish()
    assert [office.store.read(job).progress.state for job in (held, idle)] == ["paused"] * 2
    later = restarted(office)
    later.desk.opener.adopt_all()
    assert not later.bench.turn()
    assert later.follow(held)["state"] == "paused"
    assert later.follow(idle)["state"] == "queued"
    later.finish()
    assert later.follow(idle)["state"] == "finished"
    later.ask("resume", job=held)
    later.finish()
    assert later.follow(held)["state"] == "finished"
    later.store.close()


def test_a_run_that_could_not_be_taken_over_is_when_it_is_followed(office: Office) -> None:
    job = office.start()
    later = restarted(office)
    later.store._index._lock_seconds = 0.1
    later.store.close()
    other = sqlite3.connect(later.store.home / "index.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked the index"):
        later.desk.opener.adopt_all()
    other.execute("ROLLBACK")
    other.close()
    assert later.follow(job)["state"] == "queued"
    later.finish()
    assert later.follow(job)["state"] == "finished"
    later.store.close()


def test_a_run_that_kills_its_process_is_given_up(office: Office) -> None:
    job = office.start()
    current = office
    for strike in range(MAX_STRIKES):
        opened = current.bench.get(job)
        assert opened is not None
        opened.claim.mark(in_turn=True)
        later = restarted(current)
        later.desk.opener.adopt_all()
        assert later.store.read(job).progress.strikes == strike + 1
        current = later
    found = current.follow(job)
    assert found["state"] == "failed"
    assert found["error"].startswith("failed: the compute process died three times")
    assert "memory" not in found["error"]  # nothing says that it was that
    assert not current.bench.turn()


def test_a_run_outlives_its_owners_image_but_not_its_model(office: Office) -> None:
    job = office.start()
    shutil.rmtree(office.store.belongings.root)
    office.finish()
    found = office.follow(job)
    assert (found["state"], found["error"][:15]) == ("failed", "model not found")


def test_a_replaced_model_fails_the_run(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = office.start()
    other = save_tiny(tmp_path, options={"widths": [2, 2, 2, 2]})
    monkeypatch.setattr(office.desk._shelf, "path", lambda *_: other)
    office.finish()
    found = office.follow(job)
    assert found["state"] == "failed"
    assert "was replaced since this run was started" in found["error"]


def test_an_image_of_another_size_is_refused(office: Office, tmp_path: Path) -> None:
    image = office.image()
    office.weights = save_tiny(tmp_path, input_shape=(1, 8, 8))
    with pytest.raises(ParameterError, match=r"1x28x28 pixels and tiny takes 1x8x8: choose"):
        office.start(image=image)


def test_an_owner_may_not_fill_the_bench(office: Office) -> None:
    image, model = office.image(), office.model()
    fields = {"kind": "predict", "image": image, "model": model, "config": {"sigma": 0.5}}
    for seed in range(MAX_OPEN):
        office.ask("start", seed=seed, **fields)
    with pytest.raises(ParameterError, match="runs are open already"):
        office.ask("start", seed=MAX_OPEN, **fields)
    assert office.ask("start", seed=0, **fields)["job"]
    office.start("bob")


def test_nothing_is_found_for_strangers(office: Office) -> None:
    job = office.start()
    for verb in ("follow", "cancel", "pause", "resume"):
        for name in (job, "x" * 22, "../../etc/passwd"):
            with pytest.raises(NotFoundError, match="run not found"):
                office.ask(verb, "eve", job=name)
    with pytest.raises(NotFoundError, match="image not found"):
        office.ask(
            "start", "eve", kind="sweep", image=office.image(), model=office.model("eve"), config={}
        )
    assert office.follow(job)["state"] == "queued"
