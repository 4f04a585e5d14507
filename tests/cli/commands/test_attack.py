"""`rs attack` and `rs transfer`: options by attack, tables, files, a sentence for each mistake."""

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rs_core.attacks import ATTACKS
from rs_core.cli import main
from rs_core.cli.outputs.attack_text import attack_lines
from rs_core.logs.columns import ATTACK_COLUMNS
from rs_core.results import from_json
from rs_core.results.attack import TransferMatrix
from rs_core.results.attack_trial import AttackTrial, Ballot
from tests.results.test_attack_trial import made_trial

QUICK = {
    "fgsm": ["--eps", "0.1"],
    "pgd": ["--eps", "2", "--steps", "5"],
    "epgd": ["--eps", "2", "--steps", "4", "--draws", "2"],
    "ddn": ["--steps", "5"],
    "cw": ["--steps", "3", "--rounds", "2"],
    "minimal": ["--steps", "2", "--draws", "2", "--rounds", "2", "--judged", "8"],
    "square": ["--queries", "5"],
    "gaussian": ["--tries", "3"],
}
STRONG = ["--attack", "epgd", "--eps", "2.5", "--steps", "12", "--draws", "4", "--confirm-n", "200"]
SMALL = ["--dataset", "mnist5k", "--split", "train", "--every", "2000"]


def printed(capsys: pytest.CaptureFixture[str], *words: str, command: str = "attack") -> str:
    image = [] if "--dataset" in words or "--image" in words else ["--image", "digit-7"]
    assert main([command, *image, *words]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: str, command: str = "attack") -> str:
    assert main([command, *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_has_its_fields_as_options(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = printed(capsys, "--attack", name, *QUICK[name], "--confirm-n", "50", "--json")
    trial = from_json(AttackTrial, json.loads(out))
    assert trial.attack == name
    assert trial.labels == (7,)
    given = QUICK[name][0].removeprefix("--")
    assert trial.settings[given] == float(QUICK[name][1])
    assert trial.n == 50


def test_a_confirmed_attack_is_told_and_kept(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    picture, table = tmp_path / "adv.png", tmp_path / "adv.tsv"
    words = [*STRONG, "--out", str(picture), "--tsv", str(table)]
    text = printed(capsys, *words)
    assert "D Empirical. Broken at ℓ2 2.5" in text
    assert "4 PREDICTs x 0.00025" in text
    assert "8-bit adversarial image in" in text
    trial = from_json(AttackTrial, json.loads(printed(capsys, *STRONG, "--json")))
    even = replace(trial.after[0], counts=(500, 500, *(0,) * (len(trial.after[0].counts) - 2)))
    for vote, said in ((trial.after[0], False), (even, True)):
        lines = attack_lines(replace(trial, after=(vote,)), tuple("0123456789"))
        assert any("may abstain where PREDICT" in line for line in lines) == said
    read = np.asarray(Image.open(BytesIO(picture.read_bytes())), dtype=np.float32)
    assert np.array_equal(read[None] / np.float32(255), trial.results[0].stored)
    header, row = (line.split("\t") for line in table.read_text().splitlines())
    assert tuple(header) == ATTACK_COLUMNS
    assert float(row[header.index("l2")]) == trial.results[0].l2


def test_what_is_not_found_is_not_called_safe(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "--eps", "0.01", "--steps", "2", "--confirm-n", "50")
    assert "none found" in text
    assert "No attack found is not safety" in text
    assert "no noise" in text  # the network itself was attacked


def test_a_file_is_called_adversarial_only_where_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    picture = tmp_path / "none.png"
    words = ["--eps", "0.01", "--steps", "2", "--confirm-n", "50", "--out"]
    text = printed(capsys, *words, str(picture))
    assert f"where the attack ended, which is no confirmed adversarial image, in {picture}" in text
    assert "8-bit adversarial image" not in text
    text = printed(capsys, *words, str(tmp_path / "none.npz"))
    assert "0 of 1 are confirmed adversarial images" in text


def test_robust_accuracy_is_told_over_all_images(capsys: pytest.CaptureFixture[str]) -> None:
    words = [*SMALL, "--eps", "0.01", "--steps", "1"]
    text = printed(capsys, *words)
    assert "accuracy under this attack 1.000 (0.1" in text
    assert "3 of 3 images, an upper bound of the robust accuracy" in text
    assert "one misclassified as it is counts as wrong" in text
    found = json.loads(printed(capsys, *words, "--json"))["accuracy"]
    assert (found["images"], found["clean"], found["attacked"]) == (3, 3, 3)
    single = printed(capsys, "--eps", "0.01", "--steps", "1")
    assert "accuracy under this attack" not in single


def test_images_that_are_wrong_as_they_are_are_counted_by_their_votes() -> None:
    """An attack that spares none, or has a class to reach, leaves no note of them."""
    one = made_trial(labels=(1,), goal=2, confirmed=False)
    wrong, close = Ballot((90, 10, 0), (0.8, 0.2), 0.25, 100), Ballot((55, 45, 0), (), 0.25, 100)
    four = replace(
        one, names=("a", "b", "c", "d"), labels=(1, 1, 1, None), indices=(0, 1, 2, 3),
        results=one.results * 4, before=(wrong, *one.before, close, wrong), after=one.after * 4,
    )  # fmt: skip
    text = "\n".join(attack_lines(four, ("cat", "dog", "eel")))
    assert "0 of 4 images are confirmed, 1 of all were misclassified as they are" in text
    everyone = replace(four, labels=(1, 1, 1, 1), before=(wrong,) * 4)
    text = "\n".join(attack_lines(everyone, ("cat", "dog", "eel")))
    assert "4 of all were misclassified as they are (upper bound 0)" in text


def test_a_self_check_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "--eps", "4", "--steps", "5", "--check")
    assert "self-check: this attack 100%, without a limit 100%" in text


def test_a_pipeline_takes_the_fields_of_its_selector(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--attack", "epgd", "--steps", "2", "--draws", "2", "--selector", "grid",
             "--selector-n", "20", "--selector-interval", "0.4", "--confirm-n", "50"]  # fmt: skip
    trial = from_json(AttackTrial, json.loads(printed(capsys, *words, "--json")))
    assert trial.selector_settings["n"] == 20
    assert trial.settings["sigma"] is None
    assert "both given" in refused(capsys, *words, "--sigma", "0.5")


def test_a_selector_of_l1_radii_is_no_pipeline_that_can_be_attacked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["--image", "digit-7", "--selector", "gradient", "--selector-norm", "l1"]
    said = "gradient with norm=l1 picks lambda for uniform noise, and attacks know Gaussian noise"
    assert said in refused(capsys, *words, "--attack", "epgd")
    assert said in refused(capsys, *words, "--attack", "square")
    assert said in refused(capsys, *words, command="sandwich")


def test_a_data_set_becomes_a_folder_of_images(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "made" / "here"
    text = printed(capsys, *SMALL, "--eps", "3", "--steps", "3", "--out", str(out))
    assert "3 8-bit images (INDEX.png)" in text
    assert "D Empirical. pgd, looking within ℓ2 3, on the network itself: " in text
    assert "images are confirmed" in text
    assert sorted(p.name for p in out.iterdir()) == [
        "00000.png", "02000.png", "04000.png", "adversarials.npz"
    ]  # fmt: skip
    arrays = tmp_path / "all.npz"
    printed(capsys, *SMALL, "--eps", "3", "--steps", "3", "--out", str(arrays))
    with np.load(arrays, allow_pickle=False) as one, np.load(out / "adversarials.npz") as other:
        assert np.array_equal(one["stored"], other["stored"])
        assert one["image"].shape == (3, 1, 28, 28)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--attack", "autoattack"], "unknown attack 'autoattack'"),
        (["--eps", "0"], "eps=0.0 pixels of [0,1] is out of range"),
        (["--eps", "-1"], "eps=-1.0"),
        (["--steps", "0"], "steps=0 is out of range"),
        (["--target", "7", "--image", "digit-7"], "target=7 is its label already"),
        (["--target", "12"], "target=12 is outside the 10 classes"),
        (
            ["--label", "12"],
            "label=12 is outside the 10 classes of mnist-conv4: give 0 to 9, or none",
        ),
        (["--attack", "ddn", "--check"], "not for ddn"),
        (["--attack", "epgd", "--confirm-n", "3"], "3 fresh copies per PREDICT can never confirm"),
        (["--html", "x.html"], "unknown option '--html'"),
        (["--queries", "5"], "unknown option '--queries'"),
        ([*SMALL, "--out", "one.png"], "is one picture and there are several images"),
        (["--out", "missing/one.png"], "cannot write missing/one.png"),
    ],
)
def test_a_mistake_is_one_sentence(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reason in refused(capsys, *words)


@pytest.mark.parametrize("name", ["one.png", "all.npz", "folder"])
def test_images_that_were_found_are_not_replaced(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_core.cli.choices.load_classifier", pytest.fail)
    out = tmp_path / name
    held = out / "adversarials.npz" if name == "folder" else out
    held.parent.mkdir(exist_ok=True)
    held.write_bytes(b"earlier")
    assert "holds adversarial images already" in refused(capsys, "--out", str(out))
    assert held.read_bytes() == b"earlier"


def test_out_may_not_be_a_plain_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    taken = tmp_path / "taken.txt"
    taken.write_text("mine")
    assert "is a file: name a folder" in refused(capsys, "--out", str(taken))
    image = tmp_path / "seen.png"
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(image)
    said = refused(capsys, "--image", str(image), "--out", str(image))
    assert "read by this command" in said
    assert taken.read_text() == "mine"


FROM_TO = ["--sources", "mnist-conv4", "--targets", "mnist-conv4"]


def test_transfer_has_siam_s_rows(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = tmp_path / "transfer.tsv"
    words = [*FROM_TO, *SMALL, "--eps", "3", "--steps", "3", "--draws", "2", "--sigma", "0.25",
             "--n", "50"]  # fmt: skip
    text = printed(capsys, *words, "--tsv", str(table), command="transfer")
    rows = [line.split() for line in text.splitlines()[3:6]]
    assert [row[1] for row in rows] == ["pgd", "pgd-s", "epgd"]
    assert "PREDICT on 50 fresh copies at sigma=0.25" in text
    assert "no attack found is not safety" in text
    out = printed(capsys, *words, "--attacks", "epgd", "pgd", "--json", command="transfer")
    settings = json.loads(out)["settings"]
    assert (settings["eps"], settings["source_sigma"], settings["seed"]) == (3.0, 0.25, 0)
    assert set(settings["weights"]) == set(settings["precision"]) == {"mnist-conv4"}
    matrix = from_json(TransferMatrix, json.loads(out))
    assert matrix.attacks == ("epgd", "pgd")
    assert matrix.images == 3
    cells = [line.split("\t") for line in table.read_text().splitlines()[1:]]
    assert float(cells[2][3]) == matrix.rates[0, 0]
    assert rows[2][2] == f"{100 * matrix.rates[0, 0]:.1f}%"


def test_transfer_without_sigma_asks_the_networks_themselves(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = [*FROM_TO, *SMALL, "--steps", "2", "--attacks", "pgd"]
    assert "the target itself gives another class" in printed(capsys, *words, command="transfer")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--targets", "mnist-conv4"], "--sources is missing"),
        (["--sources", "mnist-conv4"], "--targets is missing"),
        ([*FROM_TO, "--attacks", "fgsm"], "unknown attack 'fgsm'"),
        ([*FROM_TO, "--eps", "0"], "eps=0"),
        ([*FROM_TO, "--steps", "0"], "steps=0"),
        ([*FROM_TO, "--html", "x.html"], "unknown option '--html'"),
        (
            ["--sources", "mnist-conv4", "mnist-conv4", "--targets", "mnist-conv4"],
            "--sources names a network twice",
        ),
        (
            ["--sources", "mnist-conv4", "--targets", "cifar10-conv4", "--image", "digit-7"],
            "differ in input or classes",
        ),
    ],
)
def test_a_wrong_transfer_is_one_sentence(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reason in refused(capsys, *words, command="transfer")
