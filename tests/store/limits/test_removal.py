"""What cannot be deleted is said, and stays its owner's."""

import os
from pathlib import Path

import pytest

from rs_core.store import Progress, RunStore, left_words
from rs_core.store.limits.removal import Left, removed
from tests.store.conftest import ANN, BOB, MakeRun


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of files that the operating system does not let go."""
    names: set[str] = set()
    unlink = os.unlink

    def refuse(path: str | Path, *args: object, **fields: object) -> None:
        if Path(path).name in names:
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, *args, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "unlink", refuse)
    return names


def test_everything_goes_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "file").write_text("x")
    (folder / "link").symlink_to(tmp_path / "kept")
    assert removed(folder) == []
    assert not folder.exists()
    assert (tmp_path / "kept" / "file").exists()
    assert removed(folder) == removed(tmp_path / "never") == []


def test_what_could_not_be_removed_is_named(tmp_path: Path, stuck: set[str]) -> None:
    for name in ("a", "owner", "request.json", "stuck"):
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run" / name).write_text("x")
    stuck.add("stuck")
    left = removed(tmp_path / "run")
    assert left == [Left(tmp_path / "run" / "stuck", "Permission denied")]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "owner", "request.json", "stuck",
    ]  # fmt: skip
    assert "run/stuck in" in left_words(left, tmp_path)
    assert "(Permission denied)" in left_words(left, tmp_path)
    assert " and 7 more in " in left_words(left * 12, tmp_path)
    stuck.clear()
    assert removed(tmp_path / "run") == []


def test_a_run_that_could_not_be_deleted_is_still_its_owners(
    store: RunStore, make_run: MakeRun, stuck: set[str]
) -> None:
    kept, gone, others = make_run(ANN, "a").job, make_run(ANN, "b").job, make_run(BOB, "c").job
    store.finish(kept, {"radius": 0.5}, Progress())
    store.belongings.keep_image(ANN, "0" * 32, {})
    stuck |= {"result.json", f"{'0' * 32}.json"}
    runs, left = store.delete_owner(ANN)
    assert runs == 1
    assert [one.path.name for one in left] == ["result.json", f"{'0' * 32}.json"]
    assert [run["job"] for run in store.runs(ANN)] == [kept]
    assert store.sizes()[ANN] > 0
    assert not store.folder(gone).exists()
    assert store.read(others, BOB).owner == BOB
    stuck.clear()
    assert store.delete_owner(ANN) == (1, [])
    assert (store.runs(ANN), ANN in store.sizes()) == ([], False)
