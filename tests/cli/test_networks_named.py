"""Two networks of one name are told apart in everything that is printed or written."""

import csv
from pathlib import Path

import pytest

from rs_core.cli import main
from rs_core.models import read_spec

SIGMA = ["--sigma", "0.5"]
COMMANDS = {
    "certify": [*SIGMA, "--n", "200"],
    "predict": [*SIGMA, "--n", "50"],
    "select": ["--selector", "grid", "--guarantee", "frozen", "--n", "200"],
    "attack": ["--steps", "2"],
    "sandwich": [*SIGMA, "--n", "200", "--steps", "2", "--draws", "1"],
    "sweep": ["--sigmas", "0.5", "--n", "200"],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("stem", ["mnist-conv4-s050-36c905c1", "mnist-conv4-s050-b9f1dca6"])
def test_the_network_is_named_with_its_weights(
    command: str, stem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, weights = tmp_path / "t.tsv", stem.rpartition("-")[2]
    words = [command, "--image", "digit-7", "--model", weights, *COMMANDS[command]]
    assert main([*words, "--tsv", str(table)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert f"{stem} · " in first
    with table.open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    assert row["weights"] == read_spec(stem).sha256[:16]
    assert command == "attack" or f"{row['precision']} · " in first
