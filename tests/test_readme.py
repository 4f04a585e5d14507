"""What README.md shows runs as it is written, from the checkout."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from rs_core.cli import main
from tests.words import over

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = [
    [shlex.split(command, comments=True)[1:] for command in line.split(" ; ")]
    for line in re.findall(r"^\.venv/bin/rs .*", README, re.MULTILINE)
]
(FOLDERS,) = re.findall(r"^mkdir .*", README, re.MULTILINE)
# A command stays as written, but for what makes it short.
SHORT = {
    "sweep": ["--n", "100", "--sigmas", "0.25"],
    "certify": ["--n", "100"],
    "sandwich": ["--n", "200", "--steps", "3", "--rounds", "2", "--confirm-n", "60"],
    "attack": ["--steps", "3", "--draws", "2", "--confirm-n", "60"],
    "transfer": ["--limit", "3", "--steps", "2", "--n", "60"],
    "predict": ["--n", "20", "--limit", "5"],
    "regions allocate": ["--n", "100", "--selector-m", "32"],
    "regions show": ["--n", "100"],
    "train": ["--epochs", "1", "--widths", "4", "4", "4", "4"],
}


def test_the_readme_shows_the_commands() -> None:
    shown = {name(words) for line in LINES for words in line}
    assert shown >= {*SHORT, "models", "datasets", "--help", "regions check"}


def name(words: list[str]) -> str:
    """The command's name, of one word or two."""
    return " ".join(words[: 2 if words[0] == "regions" else 1])


@pytest.mark.parametrize("line", LINES, ids=lambda line: " ; ".join(map(" ".join, line)))
def test_a_line_of_the_readme_runs(
    line: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    monkeypatch.chdir(tmp_path)
    subprocess.run(FOLDERS, shell=True, check=True)
    named = {path.name for path in tmp_path.iterdir()}
    for words in line:
        assert main(over(words, SHORT.get(name(words), []))) == 0
        outputs = ("--tsv", "--html", "--out")
        named |= {words[i + 1] for i, word in enumerate(words) if word in outputs}
        named |= {"runs"} if words[0] == "train" else set()
    assert {path.name for path in tmp_path.iterdir()} == named


def test_the_python_of_the_readme_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert "10_000" in code
    finished = subprocess.run(
        [sys.executable, "-c", code.replace("10_000", "300")],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("Certified ℓ2 radius") == 2
