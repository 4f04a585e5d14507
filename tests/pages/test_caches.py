"""Streamlit's caches are anybody's to empty: one message of one browser does it for all."""

import pytest
import streamlit as st

from rs_ui.runs import cache
from tests.pages.conftest import Open
from tests.pages.fake_worker import FakeWorker


def empty_caches() -> None:
    """What the server does on the message `clear_cache` of any client."""
    st.cache_data.clear()
    st.cache_resource.clear()


def test_emptied_caches_start_no_second_worker_and_lose_no_run(
    open_app: Open, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_app()
    figures = len(app.get("plotly_chart"))
    monkeypatch.setattr(cache, "Worker", lambda: pytest.fail("a second worker was started"))
    before = {verb: worker.count(verb) for verb in ("decode", "start", "noise")}
    for page in ("", "pages/sweep.py", "pages/compare.py", "pages/start.py"):
        empty_caches()
        app.switch_page(page).run() if page else app.run()
        assert not app.exception
    assert cache.worker() is worker
    assert worker.count("start") == before["start"]
    assert len(app.get("plotly_chart")) == figures
