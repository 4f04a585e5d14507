"""Papers' tables in the worker: the runner's own result, what is kept, and what is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rs_core.errors import DataError, NotFoundError, ParameterError, RsError, UnknownNameError
from rs_core.events import drain
from rs_core.papers.runner import RepeatTable
from rs_core.papers.tables import TABLES, find_table
from rs_core.results import from_json, to_json
from rs_core.results.paper import RepeatedTable
from rs_core.worker.papers.config import MAX_PASSES, all_passes, offered_tables, paper_task
from tests.worker.conftest import Office
from tests.worker.papers_office import SMALL, repeat, until_row
from tests.worker.test_runs import restarted


@pytest.fixture
def office(tmp_path: Path, tiny: Path) -> Iterator[Office]:
    """A worker whose turns are one step each."""
    made = Office(tmp_path / "home", tiny, turn_seconds=1e-9)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The runner's own result."""
    folder = tmp_path_factory.mktemp("expected") / "out"
    table = RepeatTable(table=find_table("trial", "small"), limit=12)
    found: dict[str, Any] = to_json(drain(table.run(folder, seed=7, seed_given=True, device="cpu")))
    return found


def outcome(office: Office, job: str) -> dict[str, Any]:
    found = office.follow(job)
    assert found["state"] == "finished", found["error"]
    return dict(found["result"])


def test_the_table_is_the_runners_own(office: Office, expected: dict[str, Any]) -> None:
    job = repeat(office)
    shown = until_row(office, job, 1)
    partial = from_json(RepeatedTable, shown["step"]["partial"])
    assert [row.label for row in partial.rows] == ["gaussian"]
    assert shown["step"]["rows"] == 3
    assert until_row(office, job, 2)["step"]["partial"]["verdicts"][0]["images"] == 12
    office.finish()
    assert outcome(office, job) == expected
    assert from_json(RepeatedTable, expected).verdicts[0].outcome == "cannot be told"
    assert not (office.store.folder(job) / "table").exists()  # the result is all that is needed


def test_it_goes_on_after_a_crash_to_the_same_table(
    office: Office, expected: dict[str, Any]
) -> None:
    job = repeat(office)
    until_row(office, job, 1)
    again = restarted(office)
    again.desk.opener.adopt_all()
    found = until_row(again, job, 1)
    assert found["done"] > 0
    assert found["seconds"] > 0
    until_row(again, job, 2)
    last = restarted(again)
    last.desk.opener.adopt_all()
    last.finish()
    assert outcome(last, job) == expected


def test_rows_that_are_found_again_outlive_no_deaths(office: Office) -> None:
    """Else a table whose next row kills its process would be tried for ever."""
    job, strikes = repeat(office), []
    until_row(office, job, 1)
    for _ in range(4):
        claim = office.bench.get(job)
        if claim is None:
            break
        claim.claim.mark(in_turn=True)
        office = restarted(office)
        office.desk.opener.adopt_all()
        strikes.append(office.store.read(job).progress.strikes)
        while (office.follow(job)["step"] or {}).get("rows_done", 0) < 1:
            if not office.bench.turn():
                break
    assert strikes == [1, 2, 3]
    assert office.follow(job)["state"] == "failed"


def test_cancelled_it_keeps_its_rows_and_can_go_on(
    office: Office, expected: dict[str, Any]
) -> None:
    job = repeat(office)
    office.ask("pause", job=job)
    assert not office.bench.turn()
    office.ask("resume", job=job)
    until_row(office, job, 1)
    office.ask("cancel", job=job)
    office.finish()
    found = office.follow(job)
    assert found["state"] == "cancelled"
    assert [row["label"] for row in found["step"]["partial"]["rows"]] == ["gaussian"]
    assert office.ask("resume", job=job)["state"] == "queued"
    office.finish()
    assert outcome(office, job) == expected


def test_cancelled_before_a_row_it_left_nothing_to_see(office: Office) -> None:
    job = repeat(office)
    office.ask("cancel", job=job)
    assert office.follow(job)["step"] is None


def test_the_same_question_is_the_same_run(office: Office) -> None:
    job = repeat(office)
    assert repeat(office) == job
    assert repeat(office, limit=13) != job
    assert repeat(office, seed=8) != job
    about = office.follow(job)["about"]
    assert about["config"] == {"table": "trial", "size": "small", "limit": 12}
    assert (about["seed"], about["seed_given"]) == (7, True)
    assert about["title"].startswith("trial (small, 12 images): Two trainings")
    with pytest.raises(NotFoundError):
        office.ask("follow", "bob", job=job)


def test_what_was_kept_under_other_conditions_is_said(office: Office) -> None:
    job = repeat(office)
    until_row(office, job, 1)
    office.ask("cancel", job=job)
    office.finish()
    config = office.store.folder(job) / "table" / "config.json"
    saved = json.loads(config.read_text())
    saved["decides"]["threads"] = 99
    config.write_text(json.dumps(saved))
    office.ask("resume", job=job)
    office.finish()
    found = office.follow(job)
    assert found["state"] == "failed"
    assert "must be started again" in found["error"]
    assert "threads 99 against" in found["error"]
    assert repeat(office) != job


def test_a_deleted_run_makes_no_folder_again(office: Office) -> None:
    job = repeat(office)
    until_row(office, job, 1)
    office.ask("forget")
    office.finish()
    assert not office.store.folder(job).exists()
    with pytest.raises(NotFoundError):
        office.follow(job)


@pytest.mark.parametrize(
    ("config", "kind", "match"),
    [
        ({}, ParameterError, "table is missing"),
        ({"table": "pfat-table7"}, UnknownNameError, "Did you mean 'pfat-table6'"),
        ({"table": "trial", "size": "paper"}, ParameterError, "has no size 'paper'"),
        ({"table": "trial", "size": "huge"}, ParameterError, "choose one of small, paper"),
        ({"table": "trial", "limit": 0}, ParameterError, "limit=0"),
        ({"table": "trial", "seeds": [1]}, ParameterError, "'seeds' is no setting"),
        ({"table": "pfat-table3", "size": "paper"}, ParameterError,
         r"can take 11,654,200,000 .* limit is 100,000,000 here; run it with rs paper pfat-table3"),
        ({"table": "pfat-table6"}, DataError, "let RS_DATA name the folder"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_by_start_and_price_alike(
    config: dict[str, Any],
    kind: type[RsError],
    match: str,
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RS_DATA", raising=False)
    for ask in ("start", "price_table"):
        with pytest.raises(kind, match=match):
            office.ask(ask, kind="paper", config=config)


def test_every_small_table_may_be_run_and_no_papers_own() -> None:
    for (_, size), table in TABLES.items():
        assert (all_passes(RepeatTable(table=table)) <= MAX_PASSES) == (size == "small")


def test_a_price_is_measured_once_a_kind_of_work(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_core.papers.price._SECONDS", 0.01)
    found = office.ask("price_table", config=SMALL)
    assert found["networks"] == 2
    assert found["passes"] == 12 * (2 * 1100 + 1100 + 600)
    assert found["training_seconds"] > 0
    assert found["all_passes"] > found["passes"]
    monkeypatch.setattr("rs_core.papers.price._rate", lambda done: 1 / 0)
    assert office.ask("price_table", config=SMALL) == found


def test_tables_are_offered_with_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RS_DATA", raising=False)
    found = {one["name"]: one for one in offered_tables()}
    assert found["trial"]["missing"] == []
    assert found["pfat-table6"]["missing"] == ["MNIST"]
    assert found["ddrs-table1"]["missing"] == ["CIFAR-10"]
    assert not found["ddrs-table1"]["sizes"]["small"]["too_much"]
    assert found["ddrs-table1"]["sizes"]["paper"]["too_much"]
    json.dumps(list(found.values()), allow_nan=False)
    assert paper_task({"table": "trial"}).config()["limit"] is None
