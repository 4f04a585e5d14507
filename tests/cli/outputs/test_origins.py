import csv
import json
import shlex
import subprocess
from pathlib import Path

import pytest

from rs_core import __version__
from rs_core.assets import sample_path
from rs_core.cli import main
from rs_core.cli.outputs.origins import typed
from rs_core.cli.terminal import remember
from rs_core.evaluation import infer_alpha
from rs_core.logs import read_log

DIGIT = sample_path("digit-7")
MACHINE = ["--device", "cpu", "--threads", "1"]
SET = ["--dataset", "mnist5k", "--split", "train", "--every", "2000"]
CERTIFY = ["certify", *MACHINE, "--sigma", "0.25", "--n", "1000"]


@pytest.mark.parametrize(
    ("more", "bound", "level", "noise", "inferred"),
    [
        ([], "clopper-pearson", 0.001, "gaussian-grid", 0.001),
        (["--noise", "idealised"], "clopper-pearson", 0.001, "gaussian", 0.001),
        (["--bound", "two-sided"], "two-sided", 0.001 / 2, "gaussian-grid", 0.001),
        (["--target-radius", "0.2"], "anytime", 0.001, "gaussian-grid", None),
    ],
)
def test_a_row_says_how_its_radius_was_bounded(
    more: list[str], bound: str, level: float, noise: str, inferred: float | None,
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    log = tmp_path / "log"
    assert main([*CERTIFY, *SET, *more, "--tsv", str(log)]) == 0
    rows = read_log(log)
    assert {(row.bound, row.level, row.noise) for row in rows} == {(bound, level, noise)}
    assert any(max(row.counts) == row.n for row in rows)
    assert infer_alpha(rows) == inferred
    said = "each of its bounds at 0.0005" in capsys.readouterr().out
    assert said is (bound == "two-sided")


def test_the_two_sided_sentence_says_the_level_of_each_bound(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*CERTIFY, "--bound", "two-sided", "--image", "digit-7", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["level"] == 0.001 / 2
    assert "\u2264 0.001 (each bound at level 0.0005)" in told["statement"]


def test_a_row_and_its_json_are_enough_to_repeat_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    assert main([*CERTIFY, *SET, "--seed", "5", "--tsv", str(log)]) == 0
    first = read_log(log)
    assert [row.name for row in first] == [f"MNIST train (5,000) train {row.idx}" for row in first]
    assert {(row.dataset, row.split, row.seed) for row in first} == {("mnist5k", "train", 5)}
    assert {(row.device, row.version) for row in first} == {("cpu", __version__)}
    words = shlex.split(first[0].command)
    assert words[:2] == ["rs", "certify"]
    again = tmp_path / "again"
    words[words.index(str(log))] = str(again)
    assert main(words[1:]) == 0
    assert [row.counts for row in read_log(again)] == [row.counts for row in first]
    capsys.readouterr()
    assert main([*words[1:-2], "--json"]) == 0
    for told, row in zip(json.loads(capsys.readouterr().out), first, strict=True):
        assert (told["dataset"], told["split"], told["index"]) == ("mnist5k", "train", row.idx)
        assert (told["name"], told["version"]) == (row.name, __version__)
        assert shlex.split(told["command"])[1] == "certify"


OTHERS = [
    ["predict", "--sigma", "0.25", "--n", "100", "--image", "digit-7"],
    ["sweep", "--sigmas", "0.25", "--n", "100", "--image", "digit-7"],
    ["select", "--selector", "fixed", "--guarantee", "frozen", "--n", "100", "--image", "digit-7"],
    ["sandwich", "--sigma", "0.25", "--n", "100", "--steps", "1", "--image", "digit-7"],
    ["attack", "--steps", "1", "--confirm-n", "100", "--image", "digit-7"],
]


@pytest.mark.parametrize("command", OTHERS, ids=lambda words: words[0])
def test_every_table_and_json_names_its_origin(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, words = tmp_path / "log", [*command, *MACHINE, "--seed", "3"]
    assert main([*words, "--tsv", str(log), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (row, *_) = csv.DictReader(log.open(), delimiter="\t")
    expected = shlex.join(["rs", *words, "--tsv", str(log), "--json"])
    assert row["command"] == told["command"] == expected
    assert row["version"] == told["version"] == __version__
    assert (row["seed"], row["name"], row["dataset"]) == ("3", "digit-7", "")
    assert row["weights"]
    assert len(row["image"]) == 32


@pytest.mark.parametrize("word", ["a\tb", "two\nlines", "it's\n", "\\n\n", "\udcff", "plain word"])
def test_the_command_is_one_line_that_a_shell_reads_back(word: str) -> None:
    remember("echo", [word])
    assert typed().startswith("rs echo ")
    assert typed().isprintable()
    echo = typed().removeprefix("rs ")
    shown = subprocess.run(["bash", "-c", f"{echo}x"], capture_output=True, check=True).stdout
    assert shown == word.encode("utf-8", "surrogateescape") + b"x\n"
