"""`rs paper`: the list, a run with every file, going on, and what is refused."""

import json
import re
from pathlib import Path

import pytest

from rs_core.cli import main
from rs_core.papers import tables
from tests.papers.tiny import TINY

NAMED = ["paper", "tiny", "--threads", "1"]


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tiny table beside nothing else, run where nobody is disturbed."""
    for module in (tables, __import__("rs_core.cli.commands.paper", fromlist=["TABLES"])):
        monkeypatch.setattr(module, "TABLES", {("tiny", "small"): TINY})
    monkeypatch.chdir(tmp_path)


def run(*more: str) -> int:
    return main([*NAMED, "--out", "out", *more])


def test_one_command_writes_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--seed", "5") == 0
    said = capsys.readouterr().out
    assert said.startswith("nobody: A tiny table (small); 2 trainings on 1,600 images in all")
    assert "seed 5 given" in said
    assert "picked, seed 1: ACR 0." in said
    assert "held: picking costs (+3.0000" in said
    page = (tmp_path / "out" / "page.html").read_text()
    for words in ("not reported", "SmoothAdv, sigma 0.25", "cannot be told", "seed 5 given"):
        assert words in page
    rows = (tmp_path / "out" / "table.tsv").read_text().splitlines()
    assert len(rows) == 1 + 4 + 2 + 1  # a row and seed, the published, the oracle
    assert len((tmp_path / "out" / "verdicts.tsv").read_text().splitlines()) == 3


def test_going_on_takes_the_recorded_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_core.cli.seeds.drawn_seed", lambda: 11)
    assert run() == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()
              if path.is_file()}  # fmt: skip
    monkeypatch.setattr("rs_core.cli.seeds.drawn_seed", lambda: 12)
    capsys.readouterr()
    assert run("--resume") == 0
    assert "seed 11 drawn" in capsys.readouterr().out
    for name, data in before.items():
        assert (tmp_path / "out" / name).read_bytes() == data
    assert run() == 2
    assert "holds a table already: give --resume" in capsys.readouterr().err
    assert run("--resume", "--seed", "3") == 2
    assert "seed 11 against 3" in capsys.readouterr().err


def test_json_is_the_table_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json", "--limit", "4", "--seeds", "3") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["name"] == "tiny"
    assert len(found["indices"]) == 4
    assert [one["seed"] for one in found["rows"][0]["scores"]] == [3]
    assert found["seed_given"] is False


def test_alone_it_lists_tables_and_what_they_take(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paper", "--threads", "1"]) == 0
    said = capsys.readouterr().out
    assert "A tiny table" in said
    assert re.search(r"  tiny +small +about \d+ s +nobody: A tiny table", said)
    assert main(["paper", "--json", "--threads", "1"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["price"]["passes"] == 2 * 60 * (200 + 260)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["paper", "tinny"], "unknown table 'tinny'. Did you mean 'tiny'?"),
        (["paper", "tiny", "--size", "paper"], "tiny has no size 'paper': give small."),
        (["paper", "tiny", "--size", "huge"], "choose one of small, paper"),
        (["paper", "tiny", "--seeds", "1", "1"], "seed 1 is given twice"),
        (["paper", "tiny", "--limit", "0"], "limit=0"),
        (["paper", "tiny", "--resume"], "there is no table in runs/tiny-small"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    words: list[str], match: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert match in capsys.readouterr().err


def test_data_that_are_missing_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assert main(["paper", "pfat-table6", "--threads", "1", "--data", "nowhere"]) == 2
    assert "rs paper: " in capsys.readouterr().err


def test_an_interrupted_table_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rs_core.papers.networks import Networks

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Networks, "classifier", interrupted)
        assert run("--seed", "5") == 130
    assert "rs paper tiny --out out --resume goes on" in capsys.readouterr().err
    assert run("--resume") == 0
    assert "seed 5 given" in capsys.readouterr().out
