"""Repeated tables that come along: found, read, and left out where they are damaged."""

import json
import logging
import shutil
from pathlib import Path

import pytest

from rs_core.assets import studies_path
from rs_core.errors import UnknownNameError
from rs_core.events import drain
from rs_core.logs.studies import RESULT, shipped_studies, shipped_study
from rs_core.papers.runner import RepeatTable
from rs_core.papers.tables import find_table
from rs_core.results import to_json
from rs_core.results.paper import RepeatedTable


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RepeatedTable]:
    """A folder with one study, as `rs paper` writes it."""
    folder = tmp_path_factory.mktemp("studies")
    run = RepeatTable(table=find_table("trial", "small"), limit=4).run(folder / "trial", seed=1)
    return folder, drain(run)


def test_a_folder_of_the_command_is_a_study(trial: tuple[Path, RepeatedTable]) -> None:
    folder, found = trial
    assert shipped_studies(folder) == {"trial": found}
    assert shipped_study("trial", folder) == found
    with pytest.raises(UnknownNameError, match="Did you mean 'trial'"):
        shipped_study("trail", folder)


def test_a_damaged_one_is_left_out_and_told(
    trial: tuple[Path, RepeatedTable], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, text in (("cut", '{"name": '), ("other", "{}"), ("list", "[1]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / RESULT).write_text(text)
    shutil.copytree(trial[0] / "trial", tmp_path / "whole")
    with caplog.at_level(logging.WARNING):
        assert list(shipped_studies(tmp_path)) == ["whole"]
    assert len(caplog.records) == 3
    assert shipped_studies(tmp_path / "whole") == {}


def test_what_comes_along_is_whole() -> None:
    """Every folder has what its page shows and what repeats it, and is called as its table."""
    folders = [path.parent for path in studies_path().glob(f"*/{RESULT}")]
    found = shipped_studies()
    assert sorted(path.name for path in folders) == list(found)
    for path in folders:
        table = found[path.name]
        assert path.name.startswith(f"{table.name}-{table.size}")
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))["decides"]
        assert config["seed"] == table.seed
        assert len(table.indices) == config["images"]
        assert json.loads((path / RESULT).read_text(encoding="utf-8")) == to_json(table)
        assert (path / "table.tsv").exists()
        assert (path / "verdicts.tsv").exists()
