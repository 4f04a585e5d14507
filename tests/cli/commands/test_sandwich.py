import json
import shutil
from pathlib import Path

import pytest
import torch

from rs_core.cli import main
from rs_core.cli.commands import sandwich
from rs_core.events import Stream
from rs_core.experiments.sandwich import SandwichStep
from rs_core.logs.columns import SANDWICH_COLUMNS
from rs_core.results import from_json
from rs_core.results.sandwich import SandwichStrip
from rs_core.smoothing import sampling
from tests.words import over

QUICK = [
    *("sandwich", "--image", "digit-9", "--n0", "20", "--n", "128", "--alpha", "0.01"),
    *("--steps", "4", "--draws", "2", "--rounds", "2", "--judged", "16", "--confirm-n", "128"),
]


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(over(QUICK, arguments)) == 0
    return capsys.readouterr().out


def test_both_ends_are_printed_with_their_joint_level(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    tsv, html = tmp_path / "s.tsv", tmp_path / "s.html"
    text = printed(capsys, "--sigma", "0.25", "--tsv", str(tsv), "--html", str(html))
    assert "alpha + alpha_attack = 0.01 + 0.001 = 0.011" in text
    assert "fixed beforehand at 0.25" in text
    assert "safe" not in text
    assert "an alpha of their own" not in text
    header, row = (line.split("\t") for line in tsv.read_text().splitlines())
    assert header == list(SANDWICH_COLUMNS)
    cells = dict(zip(header, row, strict=True))
    assert (cells["label"], cells["predict"], cells["guarantee"]) == ("9", "9", "A")
    assert float(cells["lower"]) <= float(cells["upper"] or "inf")
    assert "<script src=" not in html.read_text(encoding="utf-8")
    found = json.loads(printed(capsys, "--sigma", "0.25", "--json"))
    strip = from_json(SandwichStrip, found)
    assert repr(strip.sandwiches[0].lower) == cells["lower"]
    assert "crossing_report" not in found


def test_a_selector_brings_its_fields_and_a_second_row(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--selector", "fixed", "--selector-sigma", "0.3", "--pipeline"]
    found = json.loads(printed(capsys, *words, "--json"))
    (one,) = from_json(SandwichStrip, found).sandwiches
    assert (one.certificate.sigma, one.certificate.guarantee) == (0.3, "C")
    assert one.pipeline is not None
    text = printed(capsys, *words)
    assert "nothing is certified of it, and its confirmations have an alpha of their own" in text


def test_crossings_are_said_and_kept_and_no_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted fault: noise far smaller than it says certifies far too much."""
    drawn = sampling.unit_noise

    def smaller(*arguments: object) -> torch.Tensor:
        return drawn(*arguments) * 0.02  # type: ignore[arg-type]

    monkeypatch.setattr(sampling, "unit_noise", smaller)
    text = printed(capsys, "--sigma", "0.6", "--steps", "10", "--rounds", "6")
    assert "digit-9: inconsistent: alpha event, different classifier, or bug" in text
    report = json.loads(text.splitlines()[-1])
    assert report["crossings"][0]["gap"] < 0
    assert report["settings"]["seed"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "neither sigma nor a selector is given"),
        (["--sigma", "0.25", "--selector", "fixed"], "both are given"),
        (["--sigma", "0.25", "--eps", "0"], "eps=0"),
        (["--sigma", "0.25", "--attack", "pgd"], "choose one of minimal, bisection, square"),
        (["--sigma", "0.25", "--label", "10"], "label"),
    ],
)
def test_bad_input_is_one_sentence(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*QUICK, *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_why_no_attack_was_made_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """An image of nobody knows what, under noise that hides it."""
    own = tmp_path / "own.png"
    own.write_bytes(Path("assets/samples/digit-7.png").read_bytes())
    text = printed(capsys, "--image", str(own), "--sigma", "6")
    assert "no attack was made" in text
    assert "no class is named that an attack could leave; give a label" in text


def test_the_table_grows_while_images_are_finished(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever interrupts in the second group keeps the first, and nothing else."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in "abcd":
        shutil.copy("assets/samples/digit-7.png", pictures / f"{name}.png")
    words = ["--image", str(pictures), "--sigma", "0.25"]
    words += ["--draws", "2", "--batch-size", "4"]  # two images at a time
    log, stopped = tmp_path / "log.tsv", tmp_path / "stopped.tsv"
    printed(capsys, *words, "--tsv", str(log))
    header, *rows = log.read_text().splitlines()
    assert header.split("\t") == list(SANDWICH_COLUMNS)
    assert [row.split("\t")[1] for row in rows] == ["a.png", "b.png", "c.png", "d.png"]

    def interrupted(stream: Stream[SandwichStrip], *, label: str) -> SandwichStrip:
        for event in stream:
            if isinstance(event, SandwichStep) and len(event.sandwiches) > 2:
                raise KeyboardInterrupt
        raise AssertionError("the strip was one group")

    monkeypatch.setattr(sandwich, "follow", interrupted)
    assert main([*over(QUICK, words), "--tsv", str(stopped)]) == 130
    kept = stopped.read_text().splitlines()
    # the last cell is the command, in which the tables have two names
    assert [row.rpartition("\t")[0] for row in kept] == [
        row.rpartition("\t")[0] for row in (header, *rows[:2])
    ]
