"""Folders of a person: one bad file, sub-folders as classes, tables of labels, natural order."""

import json
from pathlib import Path

import pytest

from rs_core.assets import sample_path
from rs_core.cli import main
from rs_core.cli.folders import class_of
from rs_core.errors import ParameterError
from rs_core.logs import read_log
from rs_core.results import ModelSpec

CERTIFY = ["certify", "--device", "cpu", "--sigma", "0.5", "--n", "100", "--n0", "10"]
SMALL = {
    "certify": CERTIFY,
    "predict": ["predict", "--device", "cpu", "--sigma", "0.5", "--n", "20"],
    "select": ["select", "--device", "cpu", "--selector", "fixed"],
    "sandwich": [
        *("sandwich", "--device", "cpu", "--sigma", "0.5", "--n", "100", "--n0", "10"),
        *("--steps", "1", "--draws", "1", "--confirm-n", "30", "--confirmations", "2"),
    ],
    "attack": ["attack", "--device", "cpu", "--attack", "pgd", "--steps", "1"],
    "transfer": [
        *("transfer", "--sources", "mnist-conv4", "--targets", "mnist-conv4", "--device", "cpu"),
        *("--steps", "1", "--attacks", "pgd", "--label", "7"),
    ],
}


def sevens(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(sample_path("digit-7").read_bytes())
    return folder


def bad(path: Path) -> None:
    path.write_bytes(sample_path("digit-7").read_bytes()[:60])


@pytest.mark.parametrize("command", SMALL.values(), ids=SMALL)
def test_one_bad_file_is_named_and_left_out(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad(sevens(tmp_path, "a.png", "z.png") / "m.png")
    assert main([*command, "--image", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert shown.err.startswith(f"rs {command[0]}: left out: m.png")
    assert shown.err.count("\n") == 1
    assert "a.png" in shown.out or command[0] == "transfer"
    assert "z.png" in shown.out or command[0] == "transfer"
    assert main([*command, "--image", str(tmp_path), "--json"]) == 1
    captured = capsys.readouterr()
    json.loads(captured.out)
    assert "left out: m.png" in captured.err


def test_the_others_keep_their_places(tmp_path: Path) -> None:
    bad(sevens(tmp_path, "a.png", "z.png") / "m.png")
    log = tmp_path / "log.tsv"
    assert main([*CERTIFY, "--image", str(tmp_path), "--tsv", str(log)]) == 1
    assert [row.idx for row in read_log(log)] == [0, 2]


def test_a_folder_of_bad_files_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad(tmp_path / "a.png")
    assert main([*CERTIFY, "--image", str(tmp_path)]) == 2
    assert "none of 1 images" in capsys.readouterr().err


def test_regions_are_frozen_for_all_images_or_for_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad(sevens(tmp_path / "images", "a.png") / "m.png")
    words = ["regions", "allocate", "--device", "cpu", "--selector", "fixed"]
    out = tmp_path / "frozen.json"
    assert main([*words, "--image", str(tmp_path / "images"), "--out", str(out)]) == 2
    assert "frozen for all images or for none: m.png" in capsys.readouterr().err
    assert not out.exists()


def test_files_come_in_natural_order_and_other_files_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = sevens(tmp_path / "in", "img10.png", "img2.png", "img1.png")
    (folder / "notes.txt").write_text("no image")
    sevens(folder, "sub/x.png")
    (folder / ".hidden").write_text("unseen")
    assert main([*CERTIFY, "--image", str(folder), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["index"], row["name"]) for row in rows] == [
        (0, "img1.png"), (1, "img2.png"), (2, "img10.png"),
    ]  # fmt: skip
    assert main([*CERTIFY, "--image", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "note: 1 file is no image and left out: notes.txt" in shown
    assert "note: sub-folders of in that are left out: sub" in shown
    assert ".hidden" not in shown


def test_a_limit_comes_before_the_cap_on_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sevens(tmp_path, *(f"{k}.png" for k in range(5)))
    monkeypatch.setattr("rs_core.images.listing.MAX_FILES", 3)
    assert main([*CERTIFY, "--image", str(tmp_path), "--limit", "2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert main([*CERTIFY, "--image", str(tmp_path), "--every", "2", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3
    assert main([*CERTIFY, "--image", str(tmp_path), "--limit", "4"]) == 2
    assert "the limit is 3" in capsys.readouterr().err


def test_sub_folders_are_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sevens(tmp_path, "7/b.png", "7/a.png", "10/c.png", "3/a.png")
    assert main([*CERTIFY, "--image", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "sub-folder 10 of" in said
    assert "is no class of mnist-conv4 (0, 1, 2, ...)" in said
    (tmp_path / "10" / "c.png").unlink()
    (tmp_path / "10").rmdir()
    assert main([*CERTIFY, "--image", str(tmp_path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["label"], row["name"]) for row in rows] == [
        (3, "a.png"), (7, "a.png"), (7, "b.png"),
    ]  # fmt: skip
    assert main([*CERTIFY, "--image", str(tmp_path), "--label", "7"]) == 2
    assert "which are classes themselves" in capsys.readouterr().err


@pytest.mark.parametrize(
    "table",
    [
        "a.png,7\nb.png,3\n",
        "name,label\na.png,7\nb.png,3\n",
        "\ufefflabel;filename\n7;a.png\n3;./b.png\n",
        "file\tclass\tidx\na.png\t7\t0\nb.png\t3\t1\n",
    ],
)
def test_a_table_gives_labels(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, csv = sevens(tmp_path / "in", "a.png", "b.png"), tmp_path / "labels.csv"
    csv.write_text(table, encoding="utf-8")
    assert main([*CERTIFY, "--image", str(folder), "--labels", str(csv), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["index"], row["label"]) for row in rows] == [(0, 7), (1, 3)]


def test_a_table_gives_official_indices_and_names_what_has_no_partner(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, csv = sevens(tmp_path / "in", "a.png", "b.png", "c.png"), tmp_path / "labels.csv"
    csv.write_text("name,label,index\nb.png,7,9980\na.png,3,20\ngone.png,1,1\n")
    log = tmp_path / "log.tsv"
    command = [*CERTIFY, "--image", str(folder), "--labels", str(csv), "--tsv", str(log)]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "labels.csv has no label for 1 of 3 images" in shown
    assert "1 names of labels.csv are not in in: gone.png" in shown
    assert [(row.idx, row.label) for row in read_log(log)] == [(20, 3), (9980, 7), (2, None)]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "is empty"),
        ("name,class_name\na.png,7\n", "needs the columns name and label"),
        ("a.png\n", "row 1: give a name and a label"),
        ("a.png,cat\n", "row 1: 'cat' is no class of mnist-conv4"),
        ("a.png,10\n", "'10' is no class"),
        ("a.png,7,-1\n", "'-1' is no index"),
        ("a.png,7\na.png,3\n", "has a.png twice"),
        ("a.png,7,1\n", "gives the index 1 to a.png and b.png"),
    ],
)
def test_a_bad_table_is_one_sentence(
    table: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, csv = sevens(tmp_path / "in", "a.png", "b.png"), tmp_path / "labels.csv"
    csv.write_text(table)
    assert main([*CERTIFY, "--image", str(folder), "--labels", str(csv)]) == 2
    shown = capsys.readouterr().err
    assert words in shown
    assert shown.count("\n") == 1


def test_labels_belong_to_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv = tmp_path / "labels.csv"
    assert main([*CERTIFY, "--image", "digit-7", "--labels", str(csv)]) == 2
    assert "--labels does not apply to one image" in capsys.readouterr().err
    folder = sevens(tmp_path / "in", "a.png")
    command = [*CERTIFY, "--image", str(folder), "--labels", str(csv)]
    assert main(command) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert main([*command, "--label", "7"]) == 2
    assert "either --label or --labels" in capsys.readouterr().err


def test_labels_bring_an_accuracy_and_the_average_radius(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sevens(tmp_path, "7/a.png", "7/b.png", "3/c.png")
    assert main([*CERTIFY, "--image", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "certified accuracy (standard error) of 3 images: at 0 0.667 (0.2" in text
    assert "average certified radius 0." in text
    assert "0 abstained, which counts as wrong" in text
    assert main([*SMALL["predict"], "--image", str(tmp_path)]) == 0
    assert (
        "with abstentions counted as wrong: 0.6667 (standard error 0.2" in capsys.readouterr().out
    )
    words = [*SMALL["select"], "--guarantee", "frozen", "--n", "100", "--n0", "10"]
    assert main([*words, "--image", str(tmp_path)]) == 0
    assert "certified accuracy (standard error) of 3 images" in capsys.readouterr().out
    (tmp_path / "labels.csv").write_text("7/a.png,7\n")
    table = ["--labels", str(tmp_path / "labels.csv")]
    assert main([*CERTIFY, "--image", str(tmp_path), *table]) == 0
    text = capsys.readouterr().out
    assert "labels of 1 of 3 images only, so no accuracy" in text


def test_several_sigmas_are_several_statements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sevens(tmp_path / "in", "7/a.png", "7/b.png")
    words = ["certify", "--device", "cpu", "--sigma", "0.25", "64/128", "--n", "100", "--n0", "10"]
    log = tmp_path / "log.tsv"
    assert main([*words, "--image", str(tmp_path / "in"), "--tsv", str(log)]) == 0
    text = capsys.readouterr().out
    joint = "all 2 statements about each image hold together except with probability \u2264 0.002"
    assert joint in text
    assert "sigma 0.5: certified accuracy (standard error) of 2 images" in text
    rows = read_log(log)
    assert [(row.idx, row.sigma) for row in rows] == [(0, 0.25), (0, 0.5), (1, 0.25), (1, 0.5)]
    assert {row.alpha for row in rows} == {0.001}
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["certificate"]["sigma"] for row in found] == [0.25, 0.5]
    alone = ["certify", "--device", "cpu", "--sigma", "0.5", "--n", "100", "--n0", "10", "--json"]
    assert main(alone) == 0
    one = json.loads(capsys.readouterr().out)
    assert one["counts"] == found[1]["certificate"]["counts"]


def test_a_class_is_meant_by_name_or_number(spec: ModelSpec) -> None:
    assert class_of("Ankle_boot", spec) == 1
    assert class_of("1", spec) == 1
    assert class_of("bag", spec) is None
    assert class_of("2", spec) is None


def test_a_number_that_is_another_class_s_name_is_refused(spec: ModelSpec) -> None:
    from dataclasses import replace

    shifted = replace(spec, class_names=("1", "2"))
    with pytest.raises(ParameterError, match="may be class 0 or 1"):
        class_of("1", shifted)
    assert class_of("2", shifted) == 1


@pytest.fixture
def spec() -> ModelSpec:
    return ModelSpec("boots", "x", (1, 8, 8), ("coat", "ankle boot"))
