import os
from pathlib import Path

import pytest

from rs_core.cli import main
from rs_core.cli.outputs.growing import GrowingTable
from rs_core.errors import DataError, ParameterError

FIRST, SECOND = "a\tb\n1\t2\n", "a\tb\n3\t4\n"


def test_a_table_has_its_header_once(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with GrowingTable(path) as table:
        table.add(FIRST)
        assert path.read_text() == FIRST
        table.add(SECOND)
    assert path.read_text() == "a\tb\n1\t2\n3\t4\n"


@pytest.mark.parametrize(
    ("resume", "said"), [(False, "--resume goes on from them"), (None, "delete it first")]
)
def test_finished_rows_are_never_overwritten(
    resume: bool | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    path.write_text(FIRST)
    with (
        pytest.raises(ParameterError, match=f"holds rows already.*{said}"),
        GrowingTable(path, resume=resume),
    ):
        pytest.fail("it was opened")
    assert path.read_text() == FIRST


def test_an_empty_file_and_no_file_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()
    with GrowingTable(path) as table:
        table.add(FIRST)
    assert path.read_text() == FIRST
    with GrowingTable(tmp_path / "other"):
        pass
    path.unlink()
    with GrowingTable(path):
        assert path.exists()
    assert list(tmp_path.iterdir()) == []  # without a row nothing is left behind


def test_a_file_that_was_there_stays_even_without_a_row(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()
    with GrowingTable(path):
        pass
    assert path.exists()


def test_one_command_writes_at_a_time(tmp_path: Path) -> None:
    path, link = tmp_path / "log", tmp_path / "link"
    link.symlink_to(path)
    with GrowingTable(path) as table:
        for other in (path, link):
            for resume in (False, True):
                with (
                    pytest.raises(ParameterError, match="another command writes to"),
                    GrowingTable(other, resume=resume),
                ):
                    pytest.fail("two at once")
        table.add(FIRST)
    assert path.read_text() == FIRST


def test_whoever_waited_for_a_deleted_file_does_not_write_into_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    real = os.fstat

    def deleted_meanwhile(handle: int) -> os.stat_result:
        monkeypatch.setattr(os, "fstat", real)
        path.unlink()
        return real(handle)

    with monkeypatch.context() as patched:
        patched.setattr("rs_core.cli.outputs.growing.os.fstat", deleted_meanwhile)
        table = GrowingTable(path)
        table.__enter__()
    table.add(FIRST)
    table.close()
    assert path.read_text() == FIRST


def test_a_cut_line_is_dropped_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log"
    path.write_text(FIRST + "3\t")
    with GrowingTable(path, resume=True) as table:
        assert table.text == FIRST
        table.add(SECOND)
    assert path.read_text() == "a\tb\n1\t2\n3\t4\n"
    assert "the last line of" in capsys.readouterr().err
    path.write_text("a\t")  # not even the header
    with GrowingTable(path, resume=True) as table:
        assert table.text == ""
        table.add(FIRST)
    assert path.read_text() == FIRST


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\xff\xfe\n")
    with (
        GrowingTable(path, resume=True) as table,
        pytest.raises(DataError, match="is no text file"),
    ):
        table.text  # noqa: B018
    assert path.read_bytes() == b"\xff\xfe\n"


ONCE = {
    "sweep": ["--sigmas", "0.25", "--n", "100"],
    "attack": ["--steps", "1", "--confirm-n", "100"],
    "transfer": ["--sources", "mnist-conv4", "--targets", "mnist-conv4"],
    "study noise": ["--dataset", "mnist5k"],
    "certify": ["--sigma", "0.25", "--n", "100"],
    "predict": ["--sigma", "0.25", "--n", "100"],
    "select": ["--guarantee", "frozen", "--n", "100"],
    "sandwich": ["--sigma", "0.25", "--n", "100"],
}


@pytest.mark.parametrize("name", ONCE)
def test_every_command_refuses_before_it_loads_a_network(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rs_core.cli.choices.load_classifier", pytest.fail)
    log = tmp_path / "log"
    log.write_text(FIRST)
    assert main([*name.split(), *ONCE[name], "--tsv", str(log)]) == 2
    complaint = capsys.readouterr().err
    assert "holds rows already" in complaint
    assert complaint.count("\n") == 1
    assert log.read_text() == FIRST
