import csv
import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rs_core.assets import sample_path
from rs_core.cli import main
from rs_core.cli.outputs.results import Output
from rs_core.logs import read_log

ROOT = Path(__file__).resolve().parents[3]
DIGIT = sample_path("digit-7")
WEIGHTS = ROOT / "assets" / "weights"
CERTIFY = ["certify", "--device", "cpu", "--sigma", "0.5", "--n", "100"]
FACTS = ("name", "index", "label", "dataset", "split", "version", "command")
COMMANDS = [
    CERTIFY,
    ["predict", "--device", "cpu", "--sigma", "0.5", "--n", "100"],
    ["sweep", "--device", "cpu", "--sigmas", "0.5", "--n", "100"],
]


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1
    return shown.err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_links_and_fifos_stay_what_they_are(command: list[str], tmp_path: Path) -> None:
    target, link, fifo = (tmp_path / name for name in ("target.tsv", "link.tsv", "fifo"))
    link.symlink_to(target)
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        picture = ["--image", str(DIGIT)]
        assert main([*command, *picture, "--tsv", str(link)]) == 0
        assert main([*command, *picture, "--tsv", str(fifo)]) == 0
        piped = os.read(reader, 10_000).decode()
    finally:
        os.close(reader)
    assert link.is_symlink()
    assert fifo.is_fifo()
    written = target.read_text(encoding="utf-8")
    assert [line.split("\t")[:3] for line in written.splitlines()] == [
        line.split("\t")[:3] for line in piped.splitlines()
    ]
    assert len(written.splitlines()) == 2


@pytest.mark.parametrize("option", ["--tsv", "--html"])
def test_no_output_replaces_an_input(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "digit.png"
    picture.write_bytes(DIGIT.read_bytes())
    alias = tmp_path / "alias.png"
    alias.symlink_to(picture)
    for image in (picture, tmp_path):
        for output in (picture, alias):
            words = refused([*CERTIFY, "--image", str(image), option, str(output)], capsys)
            assert "it is read by this command" in words
    for model in ("mnist-conv4", str(WEIGHTS / "mnist-conv4-5276a3b2.safetensors")):
        for suffix in (".safetensors", ".json"):
            output = WEIGHTS / f"mnist-conv4-5276a3b2{suffix}"
            words = refused([*CERTIFY, "--model", model, option, str(output)], capsys)
            assert "it is read by this command" in words
    assert picture.read_bytes() == DIGIT.read_bytes()
    words = refused([*CERTIFY, "--image", "digit-7", option, str(DIGIT)], capsys)
    assert "it is read by this command" in words


def test_two_outputs_need_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both, link = tmp_path / "both", tmp_path / "link"
    link.symlink_to(both)
    for first, second in ((both, both), (both, tmp_path / "." / "both"), (link, both)):
        words = refused([*CERTIFY, "--tsv", str(first), "--html", str(second)], capsys)
        assert "give each a file of its own" in words
    Output(tsv=Path(os.devnull), html=Path(os.devnull)).check()


@pytest.mark.parametrize("option", ["--tsv", "--html"])
@pytest.mark.parametrize("path", ["/proc/x.html", "no/such/folder/x", ".", "x" * 256])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_what_cannot_be_written_is_refused_beforehand(
    command: list[str], path: str, option: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rs_core.cli.choices.load_classifier", pytest.fail)
    assert "cannot write" in refused([*command, option, path], capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_a_full_disk_is_one_sentence(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    words = refused([*command, "--html", str(tmp_path / "x.html")], capsys)
    assert "cannot be written (No space left on device)" in words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--tsv", "--html"])
def test_a_long_legal_name_is_written(option: str, tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250)
    assert main([*CERTIFY, option, str(path)]) == 0
    assert path.stat().st_size > 0


def test_an_interrupt_keeps_what_was_done(tmp_path: Path) -> None:
    pictures, log = tmp_path / "pictures", tmp_path / "log.tsv"
    pictures.mkdir()
    for k in range(40):
        (pictures / f"{k:02d}.png").write_bytes(DIGIT.read_bytes())
    running = subprocess.Popen(
        [sys.executable, "-m", "rs_core", "certify", "--device", "cpu", "--sigma", "0.5",
         "--n", "20000", "--image", str(pictures), "--tsv", str(log), "--threads", "1"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    patience = time.monotonic() + 60
    while not (log.exists() and log.read_text().count("\n") >= 3):
        assert time.monotonic() < patience
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    printed, complaint = running.communicate(timeout=60)
    assert running.returncode == 130
    assert complaint == "rs certify: interrupted\n"
    rows = read_log(log)
    assert 2 <= len(rows) < 40
    assert [row.idx for row in rows] == list(range(len(rows)))
    assert len(rows) - 1 <= printed.count(".png") <= len(rows)


@pytest.mark.parametrize("key", ["certificate", "prediction", "decision"])
def test_json_of_many_images_names_them(
    key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("b.png", "a.png"):
        (tmp_path / name).write_bytes(DIGIT.read_bytes())
    command = COMMANDS[1] if key == "prediction" else CERTIFY
    more = ["--target-radius", "0.1"] if key == "decision" else []
    log = tmp_path / "log"
    options = ["--image", str(tmp_path), "--label", "7", "--tsv", str(log), "--json"]
    assert main([*command, *more, *options]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [sorted(entry) for entry in listed] == [sorted([*FACTS, key])] * 2
    assert [(e["name"], e["index"], e["label"]) for e in listed] == [
        ("a.png", 0, 7), ("b.png", 1, 7),
    ]  # fmt: skip
    rows = list(csv.DictReader(log.open(), delimiter="\t"))
    assert [row["predict"] for row in rows] == ["7", "7"]
