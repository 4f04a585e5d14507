import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rs_core.assets import sample_path
from rs_core.cli import main
from rs_core.logs import read_log

CERTIFY = ["certify", "--device", "cpu", "--sigma", "0.5", "--n", "100"]
PREDICT = ["predict", "--device", "cpu", "--sigma", "0.25", "--n", "64"]
MNIST = ["--dataset", "mnist5k", "--split", "train"]


def folder_of(folder: Path, count: int) -> Path:
    for k in range(count):
        (folder / f"{k}.png").write_bytes(sample_path("digit-7").read_bytes())
    return folder


def paper(path: Path) -> str:
    pixels = np.rint(np.asarray(Image.open(sample_path("digit-7")).convert("L")) * 0.8)
    Image.fromarray((230 - pixels).astype(np.uint8)).resize((112, 112)).save(path)
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--image", ""], "--image is empty"),
        (["--image", " "], "--image is empty"),
        (["--image", "FOLDER", "--split", "train"], "--split does not apply to a folder"),
        (["--image", "FOLDER", "--jpeg", "75"], "--jpeg does not apply to a folder"),
        (["--image", "digit-7", "--limit", "1"], "--limit does not apply to one image"),
        (["--image", "digit-7", "--every", "2"], "--every does not apply to one image"),
        (["--split", "test"], "--split does not apply to one image"),
        (["--download"], "--download does not apply to one image"),
        (["--data", "."], "--data does not apply to one image"),
        ([*MNIST, "--label", "3"], "--label does not apply to a data set"),
        ([*MNIST, "--invert", "yes"], "--invert does not apply to a data set"),
        (["--invert", "yes", "--model", "cifar10-conv4"], "sees colours"),
        (["--invert", "maybe"], "choose one of auto, yes, no"),
        (["--dataset", "digits", "--split", "dev"], "choose one of train, test"),
    ],
)
@pytest.mark.parametrize("command", [CERTIFY, PREDICT], ids=lambda c: c[0])
def test_an_option_that_would_be_ignored_is_refused(
    command: list[str], arguments: list[str], words: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    folder = str(folder_of(tmp_path, 1))
    assert main([*command, *(folder if a == "FOLDER" else a for a in arguments)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert shown.err.count("\n") == 1


def test_a_part_of_a_folder_is_taken_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, log = folder_of(tmp_path, 7), tmp_path / "log"
    options = ["--image", str(folder), "--every", "3", "--limit", "2", "--tsv", str(log)]
    assert main([*CERTIFY, *options]) == 0
    assert [row.idx for row in read_log(log)] == [0, 3]
    assert "2 of 7 images, every 3-th" in capsys.readouterr().out


def test_a_dark_digit_on_paper_is_read_as_the_app_reads_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = paper(tmp_path / "seven.png")
    assert main([*CERTIFY, "--image", picture]) == 0
    automatic = capsys.readouterr().out
    assert "image: dark on bright: inverted" in automatic
    assert "class 7" in automatic
    assert main([*CERTIFY, "--image", picture, "--invert", "yes"]) == 0
    assert capsys.readouterr().out == automatic
    assert main([*CERTIFY, "--image", picture, "--invert", "no"]) == 0
    assert "image: dark on bright: not inverted" in capsys.readouterr().out


@pytest.mark.parametrize("command", [CERTIFY, PREDICT], ids=lambda c: c[0])
def test_preprocessing_is_listed_below_a_folder(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paper(folder_of(tmp_path, 1) / "seven.png")
    assert main([*command, "--image", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("seven.png: dark on bright: inverted")]
    (tmp_path / "0.png").unlink()
    paper(tmp_path / "again.png")
    assert main([*command, "--image", str(tmp_path)]) == 0
    assert "all 2 images: dark on bright: inverted" in capsys.readouterr().out


def test_predict_lists_what_was_done_to_one_image(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PREDICT, "--image", str(sample_path("cat"))]) == 0
    assert "image: centre-cropped" in capsys.readouterr().out


@pytest.mark.parametrize("command", [CERTIFY, PREDICT], ids=lambda c: c[0])
def test_labels_of_other_classes_are_left_out_and_said(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.tsv"
    options = [*MNIST, "--limit", "3", "--model", "cifar10-conv4"]
    assert main([*command, *options, "--tsv", str(log)]) == 0
    shown = capsys.readouterr().out
    assert "are not those of cifar10-conv4" in shown
    assert "no accuracy" in shown
    assert "accuracy of the majority" not in shown
    header, *rows = (line.split("\t") for line in log.read_text().splitlines())
    at = (header.index("label"), header.index("correct"))
    assert [[row[i] for i in at] for row in rows] == [["", ""]] * 3
    assert main([*command, *options, "--json"]) == 0
    captured = capsys.readouterr()
    assert [entry["label"] for entry in json.loads(captured.out)] == [None] * 3
    assert "are not those of cifar10-conv4" in captured.err


def test_notes_of_a_data_set_stand_beside_its_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PREDICT, *MNIST, "--every", "1000", "--limit", "2"]) == 0
    shown = capsys.readouterr().out
    assert "a network trained on MNIST has seen them" in shown
    assert "2 of 5,000 images, every 1000-th" in shown
    assert "accuracy of the majority" in shown


def test_predictions_do_not_depend_on_how_many_are_drawn_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [*PREDICT, *MNIST, "--limit", "5", "--batch-size", "64", "--json"]
    assert main(command) == 0
    together = capsys.readouterr().out
    monkeypatch.setattr("rs_core.cli.commands.predict._COPIES_AT_ONCE", 1)
    assert main(command) == 0
    assert capsys.readouterr().out == together
