import logging
import os
from pathlib import Path

import pytest

from rs_core.errors import ParameterError
from rs_core.store import (
    Progress,
    Retention,
    RunStore,
    log_to_file,
    owner_id,
    rs_home,
    write_description,
)
from rs_core.store.home import folder_bytes, private_folder
from tests.store.conftest import ANN


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


def modes(home: Path) -> dict[str, int]:
    paths = [home, *home.rglob("*")]
    return {str(path.relative_to(home)): path.stat().st_mode & 0o777 for path in paths}


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_whatever_is_kept_is_private_under_an_open_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    logging_to: list[logging.Handler] = []
    try:
        home = tmp_path / "a" / "home"
        store = RunStore(home)
        run, claim = store.create(ANN, key="k", kind="sweep", title="t", request={})
        store.finish(run.job, {"radius": 0.5}, Progress())
        store.belongings.keep_image(ANN, "0" * 32, {})
        store.belongings.keep_model(ANN, b"weights", b"{}")
        store.belongings.note_question(ANN, ["image model"], "k", 1, 0.1)
        write_description({}, home)
        store.quota.tidy()
        logging_to.append(log_to_file(home, logger="test_private"))
        logging.getLogger("test_private").info("name.png")
        logging_to[0].doRollover()  # type: ignore[attr-defined]
        assert len(list(home.rglob("*"))) >= 20
        for path, mode in modes(home).items():
            assert mode == (0o700 if (home / path).is_dir() else 0o600), path
        assert (tmp_path / "a").stat().st_mode & 0o077 == 0
        assert not store.is_seen
        claim.release()
        store.close()
    finally:
        os.umask(before)
        for handler in logging_to:
            logging.getLogger("test_private").removeHandler(handler)
            handler.close()


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_home_made_beforehand_is_left_open_and_what_is_ours_is_closed(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run, claim = store.create(ANN, key="k", kind="sweep", title="t", request={})
    store.belongings.keep_image(ANN, "0" * 32, {})
    claim.release()
    store.close()
    (tmp_path / "rs.log.1").write_text("name.png")
    (tmp_path / "notes.txt").write_text("not ours")
    (tmp_path / "elsewhere").write_text("not ours either")
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    again = RunStore(tmp_path)
    found = modes(tmp_path)
    open_ = {name for name, mode in found.items() if mode & 0o077}
    assert open_ == {".", "notes.txt", "elsewhere", "runs/link"}
    assert found["."] == 0o755
    assert found["index.sqlite"] == found["rs.log.1"] == 0o600
    assert again.is_seen
    assert again.read(run.job, ANN).title == "t"
    again.close()


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
