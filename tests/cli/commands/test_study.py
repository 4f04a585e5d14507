"""`rs study`: one command each, on images of a set; numbers as text, table, JSON and report."""

import json
from pathlib import Path

import pytest

from rs_core.cli import main

TINY = ["--dataset", "digits", "--limit", "6", "--seed", "1", "--threads", "1"]
FAST = {
    "noise": ["--sigmas", "0", "0.2", "--samples", "1", "4", "--steps", "2", "--draws", "2"],
    "strength": ["--eps", "0", "0.5", "--steps", "2", "--draws", "2"],
    "frontier": [
        *("--sigmas", "0.2", "--gammas", "0.3", "--weak-steps", "2", "--strong-steps", "2"),
        *("--draws", "2", "--n", "100", "--selectors", "greedy_grid", "--reselect", "1"),
    ],
}
POINTS = {"noise": 24, "strength": 6, "frontier": 4}


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A network for the digits, from a factory: no shipped one reads 8x8 pixels."""
    (tmp_path / "eight.py").write_text(
        "import torch\n"
        "from rs_core.models import build_network\n"
        "from rs_core.results import ModelSpec\n"
        "def make():\n"
        "    torch.manual_seed(0)\n"
        "    names = tuple('0123456789')\n"
        "    spec = ModelSpec('eight', 'mlp', (1, 8, 8), names)\n"
        "    return build_network('mlp', (1, 8, 8), 10, {}), spec\n"
    )
    monkeypatch.chdir(tmp_path)
    return ["--model", "eight:make"]


@pytest.mark.parametrize("kind", FAST)
def test_one_command_makes_every_output(
    kind: str, network: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--tsv", str(tmp_path / "s.tsv"), "--html", str(tmp_path / "s.html")]
    assert main(["study", kind, *TINY, *network, *FAST[kind], *files]) == 0
    said = capsys.readouterr().out
    assert "6 images of" in said
    assert "D Empirical" in said
    assert "not a guarantee" in said
    rows = (tmp_path / "s.tsv").read_text().splitlines()
    assert len(rows) == 1 + POINTS[kind]
    report = (tmp_path / "s.html").read_text()
    assert "D Empirical" in report
    assert '"seed": 1' in report or "&quot;seed&quot;: 1" in report


def test_json_is_the_result(network: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "noise", *TINY, *network, *FAST["noise"], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["points"]) == POINTS["noise"]
    assert len(found["about"]["indices"]) == 6
    assert found["about"]["dataset"].endswith("test")
    assert found["about"]["precision"] in ("fp32", "bf16")


def test_the_papers_numbers_are_defaults_on_request(
    network: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--sigmas", "0", "--samples", "1", "--attacks", "pgd", "--json", "--paper"]
    assert main(["study", "noise", *TINY, *network, *given]) == 0
    (attack,) = json.loads(capsys.readouterr().out)["attacks"]
    assert (attack["norm"], attack["eps"], attack["steps"]) == ("linf", 8 / 255, 7)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["noise"], "no data set"),
        (["noise", "--dataset", "digits", "--votes", "loud"], "vote"),
        (["noise", "--dataset", "digits", "--attacks", "ddn"], "attacks"),
        (["noise", "--dataset", "digits", "--sigmas", "-1"], "sigmas"),
        (["noise", "--dataset", "digits", "--indices", "3"], "unknown option"),
        (["frontier", "--dataset", "digits", "--selectors", "oracle"], "not known"),
        (["frontier", "--dataset", "digits", "--limit", "0"], "limit"),
        (["everything"], "unknown command"),
    ],
)
def test_bad_input_is_one_sentence(
    words: list[str], said: str, network: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    extra = network if len(words) > 1 else []
    assert main(["study", *words, *extra]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1


def test_help_lists_the_three(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study"]) == 0
    said = capsys.readouterr().out
    assert all(f"study {kind}" in said for kind in FAST)
