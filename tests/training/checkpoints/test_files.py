import errno
import os
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rs_core.errors import CheckpointError
from rs_core.training.checkpoints.files import (
    FILE_NAME,
    PREVIOUS_NAME,
    Checkpoint,
    check_nothing_unfinished,
    keep_checkpoint,
    load_checkpoint,
    save_checkpoint,
)


def checkpoint(epoch: int) -> Checkpoint:
    return Checkpoint({"w": torch.arange(6.0).view(2, 3) * epoch}, {"epoch": epoch, "x": 0.1})


def epoch_of(folder: Path) -> int:
    found = load_checkpoint(folder)
    assert found is not None
    assert torch.equal(found.tensors["w"], checkpoint(found.state["epoch"]).tensors["w"])
    return int(found.state["epoch"])


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "new" / "folder", checkpoint(3))
    found = load_checkpoint(tmp_path / "new" / "folder")
    assert found is not None
    assert found.state == {"epoch": 3, "x": 0.1}
    assert torch.equal(found.tensors["w"], checkpoint(3).tensors["w"])


def test_an_empty_folder_has_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path) is None
    assert load_checkpoint(tmp_path / "absent") is None


def test_the_one_before_is_kept(tmp_path: Path) -> None:
    for epoch in (1, 2, 3):
        save_checkpoint(tmp_path, checkpoint(epoch))
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([FILE_NAME, PREVIOUS_NAME])
    assert epoch_of(tmp_path) == 3
    (tmp_path / FILE_NAME).unlink()
    assert epoch_of(tmp_path) == 2


@given(position=st.integers(0, 10**6), bit=st.integers(0, 7))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_one_falls_back(tmp_path: Path, position: int, bit: int) -> None:
    save_checkpoint(tmp_path, checkpoint(1))
    save_checkpoint(tmp_path, checkpoint(2))
    raw = bytearray((tmp_path / FILE_NAME).read_bytes())
    raw[position % len(raw)] ^= 1 << bit
    (tmp_path / FILE_NAME).write_bytes(raw)
    assert epoch_of(tmp_path) == 1


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_one_falls_back(tmp_path: Path, share: float) -> None:
    save_checkpoint(tmp_path, checkpoint(1))
    save_checkpoint(tmp_path, checkpoint(2))
    raw = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(raw[: int(len(raw) * share)])
    assert epoch_of(tmp_path) == 1


def test_two_damaged_ones_are_refused(tmp_path: Path) -> None:
    for epoch in (1, 2):
        save_checkpoint(tmp_path, checkpoint(epoch))
    (tmp_path / FILE_NAME).write_bytes(b"RSLABCK1" + b"\0" * 100)
    (tmp_path / PREVIOUS_NAME).write_bytes(b"\x80\x04pickle")
    with pytest.raises(CheckpointError, match=r"sha256.*not a checkpoint.*Delete the folder"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    save_checkpoint(tmp_path, checkpoint(1))

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os if call == "fsync" else Path, call, full)
    with pytest.raises(OSError, match="no space"):
        save_checkpoint(tmp_path, checkpoint(2))
    monkeypatch.undo()
    assert epoch_of(tmp_path) == 1
    assert not list(tmp_path.glob("*.tmp"))
    assert not list(tmp_path.glob(".*.tmp"))


def test_without_hard_links_the_one_before_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(errno.EPERM, "this file system has no hard links")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    for epoch in (1, 2):
        save_checkpoint(tmp_path, checkpoint(epoch))
    (tmp_path / FILE_NAME).unlink()
    assert epoch_of(tmp_path) == 1


def told(epoch: int, epochs: int) -> Checkpoint:
    history = [{"epoch": e, "epochs": epochs} for e in range(1, epoch + 1)]
    return Checkpoint({"w": torch.zeros(1)}, {"history": history})


def test_an_unfinished_training_is_not_overwritten(tmp_path: Path) -> None:
    check_nothing_unfinished(tmp_path / "absent")
    save_checkpoint(tmp_path, told(2, 3))
    with pytest.raises(CheckpointError, match=r"epoch 2 of 3.*--resume.*delete the folder"):
        check_nothing_unfinished(tmp_path)
    save_checkpoint(tmp_path, told(3, 3))
    check_nothing_unfinished(tmp_path)


def test_a_fall_back_says_why(tmp_path: Path) -> None:
    for epoch in (1, 2):
        save_checkpoint(tmp_path, told(epoch, 3))
    whole = load_checkpoint(tmp_path)
    assert whole is not None
    assert whole.passed_over == ""
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b"x")
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found.epochs_done == 1
    assert "damaged" in found.passed_over


def test_a_folder_in_the_place_of_a_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(CheckpointError, match=r"cannot be read \(Is a directory\)"):
        load_checkpoint(tmp_path)


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"epoch 2 cannot be written .*No space.*resume"):
        keep_checkpoint(tmp_path, told(2, 3))
