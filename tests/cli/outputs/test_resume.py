import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rs_core.cli import main, parsed
from rs_core.cli.outputs.growing import GrowingTable
from rs_core.cli.outputs.resume import rows_done
from rs_core.errors import ParameterError
from rs_core.logs.columns import COLUMNS

MACHINE = ["--device", "cpu", "--threads", "1"]
SET = ["--dataset", "mnist5k", "--split", "train", "--every", "1000"]
COMMANDS = {
    "certify": ["--sigma", "0.25", "--n", "100"],
    "predict": ["--sigma", "0.25", "--n", "100"],
    "sandwich": ["--sigma", "0.25", "--n", "100", "--steps", "1", "--draws", "1"],
    "select": ["--selector", "fixed", "--guarantee", "frozen", "--n", "100"],
}
# Images that are attacked in another company are attacked in sums of another order.
ATTACKED = ("upper", "stored_upper", "confirmed", "hollow", "gap", "consistent")


def rows(log: Path) -> list[dict[str, str]]:
    with log.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file, delimiter="\t"))
    for row in found:
        for own in ("time", "command", *ATTACKED):
            row.pop(own, None)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_a_table_gone_on_from_is_what_one_run_would_have_written(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [name, *COMMANDS[name], *MACHINE, *SET]
    whole, log = tmp_path / "whole", tmp_path / "log"
    assert main([*words, "--limit", "2", "--tsv", str(whole)]) == 0
    first = "".join(whole.read_text(encoding="utf-8").splitlines(keepends=True)[:2])
    log.write_text(first + "1000\tcut o", encoding="utf-8")
    capsys.readouterr()
    assert main([*words, "--limit", "2", "--tsv", str(log), "--resume"]) == 0
    said = capsys.readouterr().err
    assert "was cut off and is dropped" in said
    assert "holds 1 of 2 rows already" in said
    assert log.read_text(encoding="utf-8").startswith(first)
    assert rows(log) == rows(whole)


CERTIFY = "certify --sigma 0.25 --n 100 --dataset mnist5k --every 1000"
CELLS = {
    "image": "00ff", "name": "'-1.png", "label": "7", "weights": "5276", "precision": "fp32",
    "device": "cpu", "dataset": "mnist5k", "split": "test", "version": "0.1.0", "seed": "0",
}  # fmt: skip
EXPECTED = [CELLS | {"idx": "0"}, CELLS | {"idx": "1000", "image": "11ee"}]


def line(expected: dict[str, str], command: str = CERTIFY) -> str:
    cells = expected | {"command": f"rs {command}", "predict": "7", "radius": "0.1"}
    return "\t".join(cells.get(column, "") for column in COLUMNS) + "\n"


def done(log: Path, command: str = CERTIFY, expected: list[dict[str, str]] = EXPECTED) -> int:
    name, *words = command.split()
    with GrowingTable(log, resume=True) as table:
        return rows_done(table, log, parsed(name, words), COLUMNS, expected)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A table with one finished row of `rs certify`."""
    path = tmp_path / "log"
    path.write_text("\t".join(COLUMNS) + "\n" + line(EXPECTED[0]), encoding="utf-8")
    return path


def test_finished_rows_are_counted_wherever_they_were_computed(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert done(log) == 1
    assert "what follows is about the other 1." in capsys.readouterr().err
    moved = log.with_name("moved")
    shutil.move(log, moved)
    more = f"{CERTIFY} --resume --tsv x --threads 2 --batch-size 64 --limit 9 --data elsewhere"
    assert done(moved, more) == 1
    with moved.open("a", encoding="utf-8", newline="") as file:
        file.write(line(EXPECTED[1]).replace("\n", "\r\n"))  # an editor's line end
    assert done(moved) == 2
    assert "nothing is left to be done" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "difference"),
    [
        ("--sigma 0.5", "--sigma is 0.25 there and 0.5 here"),
        ("--n 101", "--n is 100 there and 101 here"),
        ("--n0 99", "--n0 is 100 there and 99 here"),
        ("--alpha 0.002", "--alpha is 0.001 there and 0.002 here"),
        ("--bound two-sided", "--bound is 'clopper-pearson' there and 'two-sided' here"),
        ("--noise idealised", "--noise is 'exact' there and 'idealised' here"),
        ("--target-radius 0.1", "--target-radius is None there and 0.1 here"),
        ("--selector fixed", "--selector is absent there and 'fixed' here"),
    ],
)
def test_settings_that_differ_are_named(more: str, difference: str, log: Path) -> None:
    before = log.read_bytes()
    name = more.split()[0]
    own = CERTIFY.replace({"--sigma": "--sigma 0.25", "--n": "--n 100"}.get(name, "--none"), "")
    if name == "--selector":
        own = own.replace("--sigma 0.25", "")
    with pytest.raises(ParameterError, match=f"^.* in line 2 .*{re.escape(difference)}"):
        done(log, f"{own} {more}")
    assert log.read_bytes() == before


@pytest.mark.parametrize("column", ["idx", *CELLS])
def test_rows_that_differ_are_named(column: str, log: Path) -> None:
    here = EXPECTED[0] | {column: "other"}
    there = EXPECTED[0][column]
    with pytest.raises(ParameterError, match=f"{column} is {there} there and other here"):
        done(log, expected=[here])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("weights", "Weights"), "has other columns"),
        (lambda text: text.replace("rs certify", "rs predict"), "--"),
        (lambda text: text.replace("rs certify", "rs train"), "none that could be gone on from"),
        (lambda text: text.replace("rs certify", "ls"), "none that could be gone on from"),
        (lambda text: text.replace("--n 100", "--n ' 100"), "none that could be gone on from"),
        (lambda text: text.replace("--n 100", "--help"), "none that could be gone on from"),
        (lambda text: text.replace("5276\t", ""), "fields and not"),
        (lambda text: text + 2 * line(EXPECTED[1]), "more rows than the 2 images"),
    ],
)
def test_another_tables_rows_are_left_alone(
    change: Callable[[str], str], said: str, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write_text(change(log.read_text(encoding="utf-8")), encoding="utf-8")
    before = log.read_bytes()
    with pytest.raises(ParameterError, match=said):
        done(log)
    assert capsys.readouterr().out == ""
    assert log.read_bytes() == before


def test_a_selectors_settings_are_held_to(log: Path) -> None:
    theirs = "certify --selector fixed --n 100"
    log.write_text("\t".join(COLUMNS) + "\n" + line(EXPECTED[0], theirs), encoding="utf-8")
    assert done(log, "select --guarantee frozen --selector fixed --n 100") == 1
    with pytest.raises(ParameterError, match=r"--selector-sigma is 0\.\d+ there and 0\.7 here"):
        done(log, f"{theirs} --selector-sigma 0.7")
    with pytest.raises(ParameterError, match="--guarantee is 'frozen' there"):
        done(log, "select --guarantee global_sigma --selector fixed --n 100")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["certify", "--sigma", "0.25", "--resume"], "name it with --tsv"),
        (["certify", "--sigma", "0.25", "--resume", "--tsv", "/dev/null"], "name it with --tsv"),
        (["predict", "--sigma", "0.25", "--resume", "--tsv", "x", "--json"], "--json would show"),
        (["predict", "--sigma", "0.25", "--resume", "--tsv", "x", "--html", "y"], "--html would"),
        (["select", "--guarantee", "memory", "--resume", "--tsv", "x"], "leave --resume out"),
        (["select", "--guarantee", "regions", "--resume", "--tsv", "x"], "leave --resume out"),
        (
            ["certify", "--selector", "multistart_uniform", "--resume", "--tsv", "x"],
            "multistart_uniform picks one sigma from all images together",
        ),
    ],
)
def test_what_cannot_be_gone_on_from_is_refused(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rs_core.cli.choices.load_classifier", pytest.fail)
    assert main(words) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
