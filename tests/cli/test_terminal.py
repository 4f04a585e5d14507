import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from rs_core.cli import main
from rs_core.logs import read_log
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


SET = ["certify", "--device", "cpu", "--threads", "1", "--sigma", "0.5", "--dataset", "mnist5k",
       "--split", "train", "--every", "200"]  # fmt: skip


def headed(*arguments: str) -> tuple[int, str]:
    """The exit code of a command whose reader leaves after a line, and what it complained of."""
    running = subprocess.Popen(
        [sys.executable, "-m", "rs_core", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.readline()
    running.stdout.close()
    complaint = running.stderr.read()
    return running.wait(timeout=60), complaint


def test_a_reader_that_leaves_costs_no_row(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert headed(*SET, "--n", "100", "--tsv", str(log)) == (0, "")
    assert len(read_log(log)) == 25


def test_without_a_file_the_exit_code_says_that_the_reader_left() -> None:
    assert headed(*SET, "--n", "100") == (141, "")


@pytest.mark.parametrize("how", ["2>&-", "2>/dev/full", "2>&- <&-"])
def test_nothing_hangs_on_stderr(how: str, tmp_path: Path) -> None:
    def shell(words: list[str]) -> int:
        line = shlex.join([sys.executable, "-m", "rs_core", *words])
        return subprocess.run(["sh", "-c", f"{line} {how} >/dev/null"], cwd=ROOT).returncode

    log = tmp_path / "log"
    assert shell([*CERTIFY, "--tsv", str(log)]) == 0
    assert len(read_log(log)) == 1
    assert shell([*CERTIFY, "--tsv", str(log)]) == 2  # refused, and nobody is told
    assert len(read_log(log)) == 1


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_what_ends_a_command_keeps_its_rows(name: str, tmp_path: Path) -> None:
    log, number = tmp_path / "log", getattr(signal, name)
    running = subprocess.Popen(
        [sys.executable, "-m", "rs_core", *SET, "--n", "5000", "--tsv", str(log)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )  # fmt: skip
    patience = time.monotonic() + 120
    while not (log.exists() and log.read_text().count("\n") >= 3):
        assert time.monotonic() < patience
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(number)
    _, complaint = running.communicate(timeout=60)
    assert running.returncode == 128 + number
    assert complaint.startswith("rs certify: ")
    assert complaint.count("\n") == 1
    assert 2 <= len(read_log(log)) < 25


STARTS = """
import os, signal, sys
from rs_core.cli import main
class Finder:  # presses Ctrl-C in the middle of the import of numpy's core
    def find_spec(self, name, *_):
        if name == "numpy._core._multiarray_umath":
            os.kill(os.getpid(), getattr(signal, sys.argv[1]))
sys.meta_path.insert(0, Finder())
sys.exit(main(["certify", "--sigma", "0.5"]))
"""


@pytest.mark.parametrize(("name", "word"), [("SIGINT", "interrupted"), ("SIGTERM", "terminated")])
def test_an_import_that_is_broken_off_is_one_line(name: str, word: str) -> None:
    number = getattr(signal, name)
    ended = subprocess.run(
        [sys.executable, "-c", STARTS, name],
        cwd=ROOT, capture_output=True, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (128 + number, f"rs certify: {word}\n")
    assert ended.stdout == ""


def test_what_a_signal_broke_off_is_not_called_a_bug(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        raise AttributeError("half imported")

    monkeypatch.setattr("rs_core.cli.commands.listings.ModelsCommand.run", broken)
    assert main(["models"]) == 143
    assert capsys.readouterr().err == "rs models: terminated\n"
    monkeypatch.setattr("rs_core.cli.commands.listings.ModelsCommand.run", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["models"])


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
