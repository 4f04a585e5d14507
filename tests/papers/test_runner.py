"""The runner: what it keeps, goes on from, shares and refuses."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rs_core.errors import CheckpointError, DataError, ParameterError
from rs_core.events import Finished, drain
from rs_core.logs.certificates import read_log
from rs_core.papers import networks
from rs_core.papers.factory import pair_of
from rs_core.papers.networks import network_name
from rs_core.papers.progress import RowDone, TableStep
from rs_core.papers.runner import RepeatTable, chunk_of
from rs_core.papers.table import Certified, Choice, Row, Table, Training
from rs_core.results import from_json
from rs_core.results.paper import RepeatedTable
from tests.papers.tiny import FIXED, GRID, PICKED, TINY, TRAINING, with_rows

ONE_SEED = replace(TINY, seeds=1)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but the networks' json, which says how often a training was resumed."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not (path.parent.name == "networks" and path.suffix == ".json")
    }


def run(table: Table, folder: Path, **options: object) -> RepeatedTable:
    return drain(RepeatTable(table=table).run(folder, seed=7, **options))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RepeatedTable]:
    folder = tmp_path_factory.mktemp("whole") / "out"
    return folder, run(TINY, folder)


def test_a_folder_has_everything(whole: tuple[Path, RepeatedTable]) -> None:
    folder, found = whole
    config = json.loads((folder / "config.json").read_text())
    assert config["decides"]["table"]["name"] == "tiny"
    assert config["decides"]["seeds"] == [0, 1]
    assert len(set(config["weights"].values())) == 2
    logs = sorted(path.name for path in (folder / "logs").glob("*seed?.tsv"))
    assert logs == ["row01-seed0.tsv", "row01-seed1.tsv", "row02-seed0.tsv", "row02-seed1.tsv"]
    rows = read_log(folder / "logs" / "row02-seed1.tsv")
    assert [row.idx for row in rows] == list(found.indices)
    assert {row.guarantee for row in rows} == {"C"}
    assert {row.weights for row in rows} == {found.rows[1].scores[1].weights_id}
    assert from_json(RepeatedTable, json.loads((folder / "result.json").read_text())) == found


def test_scores_are_those_of_the_logs(whole: tuple[Path, RepeatedTable]) -> None:
    folder, found = whole
    rows = read_log(folder / "logs" / "row01-seed0.tsv")
    acr = np.mean([row.radius * bool(row.correct) for row in rows])
    assert found.rows[0].scores[0].acr == pytest.approx(acr)
    assert found.rows[1].scores[0].evaluated == 3
    assert found.rows[1].scores[0].draws == 60
    assert [one.outcome for one in found.verdicts] == ["cannot be told", "held"]


def test_rows_that_train_the_same_share_a_network(whole: tuple[Path, RepeatedTable]) -> None:
    folder, found = whole
    assert len(list((folder / "networks").glob("*.safetensors"))) == 2  # a seed each
    first, second = found.rows
    assert [one.weights_id for one in first.scores] == [one.weights_id for one in second.scores]


def test_every_certificate_counts_the_tables_draws_and_no_others(
    whole: tuple[Path, RepeatedTable],
) -> None:
    for log in (whole[0] / "logs").glob("*seed?.tsv"):
        assert {sum(row.counts) for row in read_log(log)} == {100}


@pytest.mark.parametrize("events", [1, 3, 9, 15, 25, 33])
def test_a_run_that_was_left_goes_on_to_the_same_bytes(
    events: int, whole: tuple[Path, RepeatedTable], tmp_path: Path
) -> None:
    stream = RepeatTable(table=TINY).run(tmp_path / "out", seed=7)
    for _ in range(events):
        assert not isinstance(next(stream), Finished)
    stream.close()  # type: ignore[attr-defined]
    assert run(TINY, tmp_path / "out", resume=True) == whole[1]
    assert contents(tmp_path / "out") == contents(whole[0])


def test_what_a_kill_tore_is_cut_off(whole: tuple[Path, RepeatedTable], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run(TINY, folder)
    log = folder / "logs" / "row02-seed1.tsv"
    log.write_bytes(log.read_bytes()[:-30])  # in the second chunk: the first one stays
    picks = folder / "logs" / "row01-seed1.picks.tsv"
    picks.write_text("".join(picks.read_text().splitlines(keepends=True)[:-2]))
    assert run(TINY, folder, resume=True) == whole[1]
    assert contents(folder) == contents(whole[0])


def test_finished_rows_are_told_and_progress_grows(tmp_path: Path) -> None:
    done, told = 0, []
    for event in RepeatTable(table=ONE_SEED).run(tmp_path / "out", seed=1):
        if isinstance(event, RowDone):
            told.append(event.label)
        if not isinstance(event, Finished):
            assert done <= event.done <= event.total
            done = event.done
    assert told == ["fixed", "picked"]


def test_what_is_finished_is_a_table_of_its_own(tmp_path: Path) -> None:
    """With the claims about its rows alone; the last one is the result."""
    *events, end = RepeatTable(table=TINY).run(tmp_path / "out", seed=1)
    assert isinstance(end, Finished)
    tables = [event.so_far for event in events if isinstance(event, RowDone)]
    rows = [table and [row.label for row in table.rows] for table in tables]
    assert rows == [None, ["fixed"], ["fixed"], ["fixed", "picked"]]  # two seeds each
    assert [len(table.verdicts) for table in tables if table] == [0, 0, 2]
    assert tables[-1] == end.result
    assert tables[1].rows == end.result.rows[:1]  # type: ignore[union-attr]


def test_a_step_says_that_more_is_on_disk(tmp_path: Path) -> None:
    """A resumed run says so of what it adds, and not of what it finds."""
    repeat = RepeatTable(table=ONE_SEED)
    folder, kept = tmp_path / "out", 0
    for event in repeat.run(folder, seed=1):
        if isinstance(event, TableStep) and event.kept:
            kept += 1
            assert any(path.stat().st_size for path in folder.rglob("*"))
    assert kept == 2 + 2 * 2  # epochs, and two chunks of images a row
    again = list(repeat.run(folder, seed=1, resume=True))
    assert not [event for event in again if isinstance(event, TableStep) and event.kept]


def test_a_limit_certifies_fewer_images_evenly_spread(tmp_path: Path) -> None:
    repeat = RepeatTable(table=ONE_SEED, limit=4)
    found = drain(repeat.run(tmp_path / "out", seed=1))
    assert len(found.indices) == 4
    assert found.asked == 60
    assert found.verdicts[0].outcome == "cannot be told"


@pytest.mark.parametrize("name", ["memory", "regions"])
def test_what_is_claimed_of_all_images_is_certified_at_once(name: str, tmp_path: Path) -> None:
    row = replace(PICKED, guarantee=Choice(name), count_meeting=True)
    pair = pair_of(row, TINY.certified)
    assert chunk_of(pair, 60) == 60
    found = run(replace(with_rows(row), seeds=1), tmp_path / "out")
    assert found.rows[0].scores[0].badge == "B"
    assert 0 <= (found.rows[0].scores[0].meeting or 0) <= 60


def test_chunks_hang_on_settings_alone() -> None:
    assert chunk_of(pair_of(FIXED, TINY.certified), 40) == 50 < TINY.certified.count
    assert chunk_of(pair_of(FIXED, Certified("digits", n=10_000)), 40) == 6
    assert chunk_of(pair_of(FIXED, Certified("digits", n=100_000)), 40) == 1


def test_a_training_may_begin_with_another(tmp_path: Path) -> None:
    second = replace(TRAINING, after=TRAINING, recipe=Choice("gaussian", {"epochs": 1}))
    rows = (FIXED, Row("again", second, FIXED.selector, FIXED.guarantee))
    found = run(replace(with_rows(*rows), seeds=1), tmp_path / "out")
    spec = next((tmp_path / "out" / "networks").glob(f"{network_name(second, 0)}-*.json"))
    began = json.loads(spec.read_text())["provenance"]["init"]
    assert found.rows[0].scores[0].weights_id[:8] in json.dumps(began)


def test_networks_have_one_name_only_if_they_are_the_same() -> None:
    other = replace(TRAINING, images=300)
    names = {network_name(one, seed) for one in (TRAINING, other) for seed in (0, 1)}
    assert len(names) == 4
    assert network_name(TRAINING, 0) == network_name(replace(TRAINING), 0)


def test_another_run_is_refused(whole: tuple[Path, RepeatedTable]) -> None:
    folder = whole[0]
    with pytest.raises(CheckpointError, match="holds a table already: give --resume"):
        run(TINY, folder)
    other = replace(TINY, name="other")
    with pytest.raises(CheckpointError, match=r'table\.name "tiny" against "other"'):
        run(other, folder, resume=True)
    larger = replace(TINY, certified=replace(TINY.certified, n=200))
    with pytest.raises(CheckpointError, match=r"table\.certified\.n 100 against 200"):
        run(larger, folder, resume=True)
    with pytest.raises(CheckpointError, match="seed 7 against 8"):
        drain(RepeatTable(table=TINY).run(folder, seed=8, resume=True))
    with pytest.raises(CheckpointError, match="images 60 against 5"):
        drain(RepeatTable(table=TINY, limit=5).run(folder, seed=7, resume=True))


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match=r"holds other files \(notes.txt\)"):
        run(TINY, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be a table's folder"):
        run(TINY, tmp_path / "file")


def test_a_changed_config_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"format": 99}')
    with pytest.raises(CheckpointError, match="another version"):
        run(TINY, tmp_path, resume=True)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        run(TINY, tmp_path, resume=True)


def test_a_damaged_log_is_named(tmp_path: Path) -> None:
    run(ONE_SEED, tmp_path / "out")
    log = tmp_path / "out" / "logs" / "row01-seed0.tsv"
    log.write_text(log.read_text().replace("\t100\t", "\tmany\t", 1))
    with pytest.raises(CheckpointError, match=r"row01-seed0.tsv: line 2.*Delete it"):
        run(ONE_SEED, tmp_path / "out", resume=True)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"seeds": (1, 1)}, "seed 1 is given twice"),
        ({"seeds": (-1,)}, "are no seeds"),
        ({"limit": 0}, "leaves no image"),
    ],
)
def test_seeds_and_limits_that_make_no_sense_are_refused(
    options: dict[str, object], match: str
) -> None:
    with pytest.raises(ParameterError, match=match):
        RepeatTable(table=TINY, **options)  # type: ignore[arg-type]


def test_missing_data_leave_nothing_behind(tmp_path: Path) -> None:
    table = replace(with_rows(FIXED), certified=Certified("mnist", n=100))
    with pytest.raises(DataError):
        run(table, tmp_path / "out", data=tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_network_of_other_classes_is_refused(tmp_path: Path) -> None:
    plane = Training(Choice("gaussian", {"epochs": 1}), "mlp", "plane", 100)
    table = replace(with_rows(replace(FIXED, network=plane)), seeds=1)
    with pytest.raises(ParameterError, match=r"other classes|shape"):
        run(table, tmp_path / "out")


def test_an_n_that_never_certifies_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(ParameterError, match="n=5"):
        RepeatTable(table=replace(TINY, certified=Certified("digits", n=5)))


def test_a_finished_network_is_not_trained_again(
    whole: tuple[Path, RepeatedTable], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(networks.Networks, "_train", fail)
    assert run(TINY, whole[0], resume=True) == whole[1]


def test_one_process_at_a_time_works_in_a_folder(tmp_path: Path) -> None:
    stream = RepeatTable(table=ONE_SEED).run(tmp_path / "out", seed=7)
    next(stream)
    with pytest.raises(CheckpointError, match="another process works in"):
        run(ONE_SEED, tmp_path / "out", resume=True)
    stream.close()  # type: ignore[attr-defined]


def test_the_grid_is_the_tables(whole: tuple[Path, RepeatedTable]) -> None:
    assert whole[1].rows[1].settings == GRID


def test_sigmas_that_one_training_assigned_go_on_in_the_next(tmp_path: Path) -> None:
    moving = {"sigma": 0.2, "epochs": 3, "precision": "fp32"}
    first = replace(
        TRAINING,
        recipe=Choice("gaussian", moving | {"per_image": {"name": "insta", "levels": 4, "n": 2}}),
    )
    kept = {"sigma": 0.2, "epochs": 1, "precision": "fp32", "per_image": {"name": "stored"}}
    second = replace(TRAINING, recipe=Choice("gaussian", kept), after=first)
    table = replace(with_rows(replace(FIXED, network=second)), seeds=1)
    run(table, tmp_path / "out")
    sigmas = sorted((tmp_path / "out" / "networks").glob("*.sigmas.npz"))
    one, other = (np.load(path)["sigma"] for path in sigmas)
    assert len(one) == 400
    assert np.array_equal(one, other)
    before = contents(tmp_path / "out")
    (own,) = (tmp_path / "out" / "networks").glob(f"{network_name(second, 0)}*.sigmas.npz")
    own.unlink()  # as a kill between the network and its sigmas leaves it
    log = tmp_path / "out" / "logs" / "row01-seed0.tsv"
    log.unlink()
    run(table, tmp_path / "out", resume=True)
    assert contents(tmp_path / "out") == before
