from pathlib import Path

import pytest

from rs_core.errors import ParameterError
from rs_core.store import Retention, owner_id, rs_home
from rs_core.store.home import folder_bytes, private_folder


def test_rs_home_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RS_HOME", str(tmp_path / "x"))
    assert rs_home() == tmp_path / "x"


@pytest.mark.parametrize(
    ("platform", "tail"),
    [
        ("linux", ".local/share/rs-lab"),
        ("darwin", "Library/Application Support/rs-lab"),
        ("win32", "AppData/Local/rs-lab"),
    ],
)
def test_each_platform_has_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, tail: str
) -> None:
    for name in ("RS_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", platform)
    assert rs_home() == tmp_path / tail
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    if platform == "linux":
        assert rs_home() == tmp_path / "data" / "rs-lab"


def test_owners_are_told_apart_without_giving_the_key_away() -> None:
    assert owner_id("ann") != owner_id("bob")
    assert len(owner_id("ann")) == 32
    assert owner_id("\ud800") != owner_id("?")


def test_the_folder_is_private(tmp_path: Path) -> None:
    made = private_folder(tmp_path / "a" / "b")
    assert made.stat().st_mode & 0o077 == 0
    (made / "file").write_bytes(b"12345")
    assert folder_bytes(tmp_path) == 5


def test_limits_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Retention.from_environment() == Retention()
    monkeypatch.setenv("RS_QUOTA_MB", "12.5")
    monkeypatch.setenv("RS_KEEP_DAYS", "3")
    assert Retention.from_environment() == Retention(quota_mb=12.5, keep_days=3)


@pytest.mark.parametrize("value", ["many", "-1", "nan"])
def test_bad_limits_are_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("RS_QUOTA_MB", value)
    with pytest.raises(ParameterError, match=r"RS_QUOTA_MB|quota_mb"):
        Retention.from_environment()
