import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rs_core.assets import sample_path
from rs_core.cli import COMMANDS, main
from rs_core.logs import read_log
from rs_core.results import Certificate, RadiusCurve, from_json

ROOT = Path(__file__).resolve().parents[3]
DIGIT = str(sample_path("digit-7"))
QUICK = ["--model", "mnist-conv4", "--device", "cpu", "--n", "300"]


def rs(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rs_core", *arguments],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, **environment},
    )  # fmt: skip


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == main([]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert f"rs {name}" in capsys.readouterr().out


@pytest.mark.parametrize("model", ["mnist-conv4", "cifar10-conv4"])
def test_sweep_prints_the_same_bytes_whatever_batch_and_threads(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = "digit-7" if model.startswith("mnist") else "cat"
    settings = [
        *("sweep", "--model", model, "--image", str(sample_path(picture)), "--json"),
        *("--sigmas", "0.12", "0.25", "0.5", "--n", "1000", "--alpha", "0.001", "--seed", "0"),
    ]
    printed = []
    for choice in (
        ("--batch-size", "64", "--threads", "1"),
        ("--batch-size", "512", "--threads", "2"),
    ):
        assert main([*settings, *choice]) == 0
        printed.append(capsys.readouterr().out)
    elsewhere = rs(*settings, OMP_NUM_THREADS="1")
    assert elsewhere.returncode == 0, elsewhere.stderr
    said = [text.partition('"command"') for text in (*printed, elsewhere.stdout)]
    assert said[0][0] == said[1][0] == said[2][0]
    assert all("--batch-size" in one[2] for one in said[:2])
    curve = from_json(RadiusCurve, json.loads(elsewhere.stdout))
    assert [c.sigma for c in curve.certificates] == [0.12, 0.25, 0.5]
    assert elsewhere.stderr == ""  # silent in a pipe


def test_sweep_writes_log_and_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tsv, html = tmp_path / "log.tsv", tmp_path / "curve.html"
    code = main(["sweep", *QUICK, "--image", "digit-7", "--tsv", str(tsv), "--html", str(html)])
    assert code == 0
    shown = capsys.readouterr().out
    assert "best sigma, certified again (badge C)" in shown
    rows = read_log(tsv)
    assert len(rows) == 12
    assert all(row.label == 7 for row in rows)
    header = next(csv.reader(tsv.open(), delimiter="\t"))
    assert header[:6] == ["idx", "label", "predict", "radius", "correct", "time"]
    text = html.read_text(encoding="utf-8")
    assert "frozen" in text
    assert "<script src=" not in text


def test_certify_prints_the_certificate(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["certify", *QUICK, "--sigma", "0.5", "--image", DIGIT, "--json"]) == 0
    found = from_json(Certificate, json.loads(capsys.readouterr().out))
    assert found.predicted == 7
    assert found.n == 300
    assert main(["certify", *QUICK, "--sigma", "0.5", "--image", DIGIT]) == 0
    assert found.statement in capsys.readouterr().out


def test_certify_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    for name in ("b.png", "a.png"):
        Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(tmp_path / name)
    log = tmp_path / "log.tsv"
    command = ["certify", *QUICK, "--sigma", "0.5", "--image", str(tmp_path), "--tsv", str(log)]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert shown.index("a.png") < shown.index("b.png")
    assert "2 images" in shown
    assert [row.idx for row in read_log(log)] == [0, 1]


def test_certify_sequentially(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["certify", "--model", "mnist-conv4", "--sigma", "0.5", "--image", "digit-7"]
    assert main([*command, "--n", "100000", "--target-radius", "0.25", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["outcome"] == "certified"
    assert found["certificate"]["n"] < 10_000


def test_predict_on_a_data_set_prints_accuracy(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["predict", "--model", "mnist-conv4", "--sigma", "0.25", "--n", "64"]
    assert main([*command, "--dataset", "mnist5k", "--split", "train", "--every", "50"]) == 0
    shown = capsys.readouterr().out
    assert "100 images" in shown
    accuracy = float(shown.split("sigma=0.25: ")[1].split(";")[0])
    assert accuracy > 0.9


def test_train_resume_and_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        *("train", "--dataset", "digits", "--recipe", "universal_sigma", "--sigma", "0.3"),
        *("--architecture", "conv4", "--widths", "8", "8", "8", "8", "--epochs", "2"),
        *("--name", "tiny", "--out", str(tmp_path)),
    ]
    assert main(command) == 0
    assert "epoch 2/2" in capsys.readouterr().out
    (weights,) = tmp_path.glob("tiny-*.safetensors")
    assert main([*command, "--resume"]) == 0
    assert list(tmp_path.glob("tiny-*.safetensors")) == [weights]
    picture = tmp_path / "digit.png"
    Image.fromarray(np.full((8, 8), 100, np.uint8)).save(picture)
    use = ["predict", "--model", str(weights), "--image", str(picture), "--sigma", "0.2"]
    assert main(use) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["certify", "--sigma", "0", "--image", DIGIT], "sigma"),
        (["certify", "--sigma", "nan", "--image", DIGIT], "sigma"),
        (["certify", "--sigma", "1e9", "--image", DIGIT], "sigma"),
        (["certify", "--sigma", "0.5", "--alpha", "0", "--image", DIGIT], "alpha"),
        (["certify", "--sigma", "0.5", "--n", "0", "--image", DIGIT], "n=0"),
        (["certify", "--sigma", "0.5", "--n", "1", "--image", DIGIT], "at least 10"),
        (["certify", "--sigma", "0.5", "--n", "1000000000000", "--image", DIGIT], "n="),
        (["certify", "--sigma", "0.5", "--label", "10", "--image", DIGIT], "label"),
        (["certify", "--sigma", "0.5", "--image", "nowhere.png"], "nowhere.png"),
        (["certify", "--sigma", "0.5", "--image", str(ROOT / "README.md")], "README.md"),
        (["certify", "--sigma", "0.5", "--model", "mnist-conv5"], "mnist-conv4"),
        (["certify", "--sigma", "0.5", "--device", "gpu"], "device"),
        (["certify", "--sigma", "0.5", "--tsv", "no/such/folder/log.tsv"], "cannot write"),
        (["certify", "--sigma", "0.5", "--target-radius", "9"], "out of reach"),
        (["sweep", "--sigmas", "0.1", "-1"], "sigmas"),
        (["sweep", "--n", "12"], "at least 14"),
        (["sweep", "--image", str(ROOT / "tests")], "rs certify"),
        (["predict", "--sigma", "0.5", "--dataset", "mnist"], "--data"),
        (["predict", "--sigma", "0.5", "--dataset", "mnst"], "mnist"),
        (["train"], "--dataset"),
        (["train", "--recipe", "gausian"], "gaussian"),
        (["train", "--dataset", "digits", "--epochs", "0"], "epochs"),
        (["sweeep"], "sweep"),
    ],
)
def test_bad_input_gets_one_sentence_and_exit_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    try:
        code = main(arguments)
    except SystemExit as stopped:  # tyro leaves this way
        code = stopped.code
    assert code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert "Traceback" not in shown.err
    assert list(tmp_path.iterdir()) == []


def test_version_names_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    shown = capsys.readouterr().out
    assert "torch" in shown
    assert "mnist-conv4" in shown
