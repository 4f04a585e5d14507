import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from rs_core.cli import main
from rs_core.models import build_network, save_model
from rs_core.results import ModelSpec

ROOT = Path(__file__).resolve().parents[2]
CERTIFY = ["certify", "--device", "cpu", "--sigma", "0.5", "--n", "100", "--image", "digit-7"]


def rs(*arguments: str, to: str | None = None, **environment: str) -> tuple[int, bytes, str]:
    with open(to or os.devnull, "wb") as sink:
        finished = subprocess.run(
            [sys.executable, "-m", "rs_core", *arguments],
            cwd=ROOT, stdout=sink if to else subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )  # fmt: skip
    return finished.returncode, finished.stdout or b"", finished.stderr.decode()


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_behind_stdout_is_one_sentence(unbuffered: str) -> None:
    code, _, complaint = rs(*CERTIFY, to="/dev/full", PYTHONUNBUFFERED=unbuffered)
    assert code == 2
    assert "cannot be printed (No space left on device)" in complaint
    assert complaint.count("\n") == 1


def test_an_ascii_terminal_gets_ascii() -> None:
    code, shown, complaint = rs(*CERTIFY, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (code, complaint) == (0, "")
    text = shown.decode("ascii")
    assert "sigma=0.5" in text
    assert "<= 0.001" in text
    code, shown, _ = rs(*CERTIFY, "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert code == 0
    assert "\u03c3=0.5" in json.loads(shown.decode("ascii"))["statement"]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    names = ("\x1b[31mred\x07", "two\nlines", "\u202eright", *"3456789")
    spec = ModelSpec(
        name="evil", architecture="conv4", input_shape=(1, 28, 28), class_names=names,
        options={"widths": [4, 4, 4, 4]},
    )  # fmt: skip
    torch.manual_seed(0)
    written = save_model(build_network("conv4", (1, 28, 28), 10, spec.options), spec, tmp_path)
    facts = tmp_path / written.weights.replace(".safetensors", ".json")
    told = json.loads(facts.read_text())
    facts.write_text(json.dumps(told | {"name": "evil\x1b]0;title\x07\nname\u009b31m"}))
    return tmp_path / written.weights


@pytest.mark.parametrize(
    "command",
    [
        ["certify", "--sigma", "0.01"],
        ["certify", "--sigma", "0.01", "--image", "FOLDER"],
        ["predict", "--sigma", "0.01"],
        ["predict", "--sigma", "0.01", "--dataset", "mnist5k", "--split", "train", "--limit", "2"],
        ["sweep", "--sigmas", "0.01"],
        ["certify", "--sigma", "0.01", "--label", "77"],
        ["predict", "--sigma", "0.01", "--invert", "yes", "--image", "FOLDER"],
    ],
)
def test_control_characters_of_a_stranger_are_not_printed(
    command: list[str], hostile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(hostile.parent / "a.png").write_bytes((ROOT / "assets/samples/digit-7.png").read_bytes())
    words = [str(hostile.parent) if word == "FOLDER" else word for word in command]
    code = main([*words, "--n", "100", "--device", "cpu", "--model", str(hostile)])
    shown = capsys.readouterr()
    text = shown.out + shown.err
    assert (code, shown.err.count("\n")) in ((0, 0), (2, 1))
    assert not [c for c in text if c != "\n" and not c.isprintable()]
    assert "two\nlines" not in text
