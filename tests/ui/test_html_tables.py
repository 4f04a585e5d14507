import pytest
import streamlit as st

from rs_core.plots import Table
from rs_ui.panels import table_of


def test_cells_are_texts_and_empty_columns_stay_away(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(st, "html", shown.append)
    table_of(Table('a "caption"', ("name", "empty", "n"), [("<b>x</b>", "", "1"), ("y", "", "")]))
    (text,) = shown
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert "<b>" not in text
    assert 'aria-label="a &quot;caption&quot;"' in text
    assert text.count("<th ") == 2 + 2
    assert text.count("<td ") == 2
    assert "empty" not in text
