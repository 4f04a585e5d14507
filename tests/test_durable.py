import errno
import os
from pathlib import Path

import pytest

from rs_core.durable import check_writable, is_outlet, write_durably


def test_content_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"old and long", b"new", b""):
        write_durably(path, content)
        assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (Path, "replace")])
def test_a_failure_keeps_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, call: str
) -> None:
    path = tmp_path / "file"
    write_durably(path, b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(owner, call, full)
    with pytest.raises(OSError, match="no space"):
        write_durably(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_file_and_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync

    def watch(handle: int) -> None:
        synced.append(handle)
        real(handle)

    monkeypatch.setattr(os, "fsync", watch)
    write_durably(tmp_path / "file", b"content")
    assert len(synced) == (1 if os.name == "nt" else 2)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder" / "target"
    target.write_bytes(b"old")
    for name, points_to in (("link", target), ("dangling", tmp_path / "folder" / "new")):
        link = tmp_path / name
        link.symlink_to(points_to)
        check_writable(link)
        write_durably(link, b"new")
        assert link.is_symlink()
        assert points_to.read_bytes() == b"new"
    assert sorted(p.name for p in (tmp_path / "folder").iterdir()) == ["new", "target"]


def test_a_fifo_gets_the_bytes_and_stays(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    check_writable(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_durably(fifo, b"content")
        assert os.read(reader, 100) == b"content"
    finally:
        os.close(reader)
    assert fifo.is_fifo()
    assert is_outlet(fifo)


def test_a_device_is_known_as_one(tmp_path: Path) -> None:
    # Nothing is written to it here: were this broken, the machine would lose the device.
    link = tmp_path / "link"
    link.symlink_to(os.devnull)
    for path in (link, Path(os.devnull)):
        assert is_outlet(path)
        check_writable(path)
    for path in (tmp_path, tmp_path / "absent", Path(__file__)):
        assert not is_outlet(path)


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    check_writable(path)
    assert not path.exists()
    write_durably(path, b"content")
    assert path.read_bytes() == b"content"


def test_what_cannot_be_written_is_known_beforehand(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"old")
    check_writable(old)
    assert old.read_bytes() == b"old"
    for path in (tmp_path / ("x" * 256), tmp_path / "no" / "file", tmp_path, Path("/proc/x")):
        with pytest.raises(OSError, match=r"."):
            check_writable(path)
    assert [p.name for p in tmp_path.iterdir()] == ["old"]
