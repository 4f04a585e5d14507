import json
from pathlib import Path

import pytest
import torch

from rs_core.classifiers import devices
from rs_core.cli import main
from rs_core.guarantees.regions.file import read_allocation
from rs_core.results import Certificate, from_json

ROOT = Path(__file__).resolve().parents[3]
QUICK = ["--n", "200", "--selector", "multistart", "--selector-m", "32", "--selector-levels", "3"]
SET = ["--dataset", "mnist5k", "--split", "train", "--limit", "4"]
Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("frozen") / "regions.json"
    words = ["regions", "allocate", "--out", str(path), *SET, *QUICK, "--fallback-sigma", "0.5"]
    assert main(words) == 0
    return path


def told(capsys: Captured, *words: str, code: int = 0) -> str:
    capsys.readouterr()
    assert main(["regions", *words]) == code
    out, error = capsys.readouterr()
    if code:
        assert out == ""
        assert error.count("\n") == 1
        return error
    return out


def test_allocate_prints_what_it_froze(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "regions.json"
    text = told(capsys, "allocate", "--out", str(path), *SET, *QUICK, "--mode", "strict")
    record = read_allocation(path)
    assert text.count("B Conditional") == 4
    assert "balls met  images" in text
    assert f"frozen in {path}, hash {record.allocation.hash}" in text
    assert "error of each row: alpha = 0.001" in text
    assert record.allocation.mode == "strict"
    assert record.network == "mnist-conv4"
    assert len(record.degrees) == 4
    assert "levels=3" in record.settings["selector"]
    assert all(record.allocation.hash in said for said in record.statements)
    assert [p.name for p in tmp_path.iterdir()] == ["regions.json"]


def test_allocate_prints_json(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "regions.json"
    data = json.loads(told(capsys, "allocate", "--out", str(path), *SET, *QUICK, "--json"))
    assert data["hash"] == read_allocation(path).allocation.hash
    found = [from_json(Certificate, row["certificate"]) for row in data["images"]]
    assert [c.guarantee for c in found] == ["B"] * 4


def test_a_programme_out_of_time_keeps_both_results(tmp_path: Path, capsys: Captured) -> None:
    """Two equal pictures under two labels cannot be had; two near ones meet."""
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    digit = Image.open(ROOT / "assets/samples/digit-7.png").convert("L")
    digit.save(folder / "a.png")
    digit.point([max(0, level - 3) for level in range(256)]).save(folder / "b.png")
    path = tmp_path / "regions.json"
    words = ["--out", str(path), "--image", str(folder), *QUICK]
    text = told(capsys, "allocate", *words, "--mode", "strict", "--time-limit", "1e-9")
    assert "note: the strict linear programme reached its limit of 1e-09 s" in text
    record = read_allocation(path)
    assert record.allocation.mode == "online"
    assert record.unfinished is not None
    assert record.unfinished.mode == "strict"
    assert "online regions instead" in told(capsys, "show", str(path))


def test_check_says_that_it_is_as_it_was(frozen: Path, capsys: Captured) -> None:
    text = told(capsys, "check", str(frozen))
    assert read_allocation(frozen).allocation.hash in text
    assert "of 4 points, online" in text
    assert told(capsys, "check", "--file", str(frozen)) == text
    assert "agrees with itself" in text
    assert "give the hash that was published with --hash" in text
    assert "P(a statement is false) ≤ 0.001, P(any is) ≤ 0.004" in text


def test_check_compares_with_the_published_hash(frozen: Path, capsys: Captured) -> None:
    published = read_allocation(frozen).allocation.hash
    text = told(capsys, "check", str(frozen), "--hash", published)
    assert "is as it was frozen" in text
    assert "--hash" not in text
    error = told(capsys, "check", str(frozen), "--hash", "0" * 32, code=2)
    assert "another allocation" in error


def test_a_radius_that_its_votes_do_not_give_is_refused(
    frozen: Path, tmp_path: Path, capsys: Captured
) -> None:
    """Hash and seal fit, and no two regions meet."""
    from dataclasses import replace

    from rs_core.guarantees.regions.file import write_allocation

    record = read_allocation(frozen)
    allocation = record.allocation
    wide = allocation.radii.copy()
    wide[allocation.regions[0]] *= 1.01
    path = tmp_path / "forged.json"
    forged = replace(allocation, radii=wide, hash="")
    write_allocation(path, replace(record, allocation=forged))
    for words in (["check"], ["show"]):
        error = told(capsys, *words, str(path), code=2)
        assert "and its certificate has" in error
    votes = list(allocation.backings)
    k = int(allocation.regions[0])
    votes[k] = replace(votes[k], radius=votes[k].radius * 1.01)
    path = tmp_path / "votes.json"
    forged = replace(allocation, radii=wide, backings=tuple(votes), hash="")
    write_allocation(path, replace(record, allocation=forged))
    assert "its votes give" in told(capsys, "check", str(path), code=2)


def test_a_file_without_certificates_is_read_and_not_checkable(
    frozen: Path, tmp_path: Path, capsys: Captured
) -> None:
    from dataclasses import replace

    from rs_core.guarantees.regions.file import write_allocation

    record = read_allocation(frozen)
    old = replace(record.allocation, backings=(), alpha=None, risk=None, hash="")
    path = tmp_path / "old.json"
    write_allocation(path, replace(record, allocation=old))
    content = json.loads(path.read_text())
    assert content["version"] == 1
    assert "not checkable" in told(capsys, "check", str(path))
    known = told(capsys, "show", str(path), *SET[:-1], "1")
    assert "its risk is not in this file" in known


def test_show_lists_regions(frozen: Path, capsys: Captured) -> None:
    text = told(capsys, "show", str(frozen))
    record = read_allocation(frozen)
    assert text.count("train") >= 4
    assert "mnist-conv4" in text
    assert "sigma outside all regions: 0.5" in text
    assert record.allocation.hash in text
    data = json.loads(told(capsys, "show", str(frozen), "--json"))
    assert data["allocation"]["hash"] == record.allocation.hash


def test_show_answers_queries(frozen: Path, capsys: Captured) -> None:
    known = told(capsys, "show", str(frozen), *SET[:-1], "1")
    assert "in region 0, of MNIST" in known
    assert "inside region 0" in known
    outside = told(capsys, "show", str(frozen), "--image", "digit-7", "--n", "200")
    assert "digit-7: outside every region" in outside
    assert "at the fallback σ frozen with them" in outside
    words = ["--image", "digit-7", "--n", "200", "--json"]
    row = json.loads(told(capsys, "show", str(frozen), *words))
    assert row["region"] is None
    assert row["label"] == 7
    assert row["certificate"]["sigma"] == 0.5
    rows = json.loads(told(capsys, "show", str(frozen), *SET, "--json"))
    assert [row["region"] for row in rows] == [0, 1, 2, 3]


def changed(frozen: Path, tmp_path: Path, old: bytes, new: bytes) -> Path:
    path = tmp_path / "changed.json"
    raw = frozen.read_bytes()
    assert old in raw
    path.write_bytes(raw.replace(old, new, 1))
    return path


def test_files_that_are_not_as_they_were(frozen: Path, tmp_path: Path, capsys: Captured) -> None:
    edited = changed(frozen, tmp_path, b'"online"', b'"strict"')
    for verb in ("check", "show"):
        error = told(capsys, verb, str(edited), code=2)
        assert error.startswith(f"rs regions {verb}: changed.json was changed after it was frozen")
    cut = tmp_path / "cut.json"
    cut.write_bytes(frozen.read_bytes()[:1000])
    assert "was cut off" in told(capsys, "check", str(cut), code=2)
    picture = ROOT / "assets/samples/digit-7.png"
    assert "no frozen allocation" in told(capsys, "check", str(picture), code=2)
    assert "cannot be read" in told(capsys, "check", str(tmp_path), code=2)


def test_regions_that_meet_are_seen_from_the_pixels(
    frozen: Path, tmp_path: Path, capsys: Captured
) -> None:
    """A forger can make hash and seal fit; not the distances."""
    from dataclasses import replace

    from rs_core.guarantees.regions.file import write_allocation

    record = read_allocation(frozen)
    wide = replace(record.allocation, radii=record.allocation.radii + 100, hash="")
    path = tmp_path / "forged.json"
    write_allocation(path, replace(record, allocation=wide))
    assert "meet: discard this allocation" in told(capsys, "check", str(path), code=2)
    error = told(capsys, "show", str(path), "--image", "digit-7", code=2)
    assert "meet: discard this allocation" in error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check"], "--file is missing"),
        (["check", "one", "two"], "leave out 'two'"),
        (["show", "FILE", "--limit", "3"], "belong to a query"),
        (["show", "FILE", "--n", "100"], "belong to a query"),
        (["show", "FILE", "--model", "mnist-conv4-s050"], "belong to a query"),
        (["check", "."], ". cannot be read"),
        (["allocate", "--out", "."], ". exists"),
        (["show", "FILE", "--image", "digit-7", "--model", "mnist-conv4-s050"], "frozen for"),
        (["allocate"], "--out is missing"),
        (["allocate", "--out", "FILE"], "certificates may rest on it"),
        (["allocate", "--out", "missing/regions.json"], "folder that exists"),
        (
            ["allocate", "--out", "x.json", "--mode", "all"],
            "--mode 'all' is not known",
        ),
        (["allocate", "--out", "x.json", "--selector", "oracle"], "unknown selector 'oracle'"),
        (["allocate", "--out", "x.json", "--selector-n", "3"], "unknown option"),
        (["allocate", "--out", "x.json", "--time-limit", "0"], "time_limit=0"),
        (["grow"], "unknown command 'regions grow'"),
    ],
)
def test_bad_words_are_one_sentence(
    words: list[str], said: str, frozen: Path, tmp_path: Path, capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert said in told(capsys, *(str(frozen) if w == "FILE" else w for w in words), code=2)
    assert list(tmp_path.iterdir()) == []


def test_another_precision_is_refused(
    frozen: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the two this machine froze with, the other one is asked for."""
    other = "fp32" if devices.has_bf16(torch.device("cpu")) else "bf16"
    monkeypatch.setattr(devices, "has_bf16", lambda _: True)
    words = ["--image", "digit-7", "--device", "cpu", "--precision", other]
    assert "answers may differ" in told(capsys, "show", str(frozen), *words, code=2)


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_family_names_its_commands(words: list[str], capsys: Captured) -> None:
    text = told(capsys, *words)
    for verb in ("allocate", "check", "show"):
        assert f"regions {verb} " in text
    assert "certify" not in text
