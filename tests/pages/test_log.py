from pathlib import Path

import pytest

from rs_ui.certify import view
from tests.pages.conftest import Open


def test_a_bug_in_a_page_is_written_to_the_log(
    open_app: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = open_app()

    def broken(*_: object) -> None:
        raise RuntimeError("a bug in a page")

    monkeypatch.setattr(view, "verdict", broken)
    app.run()
    assert app.exception
    assert "a bug in a page" in (tmp_path / "rs.log").read_text(encoding="utf-8")
