"""The app in a test's own process, with a worker that answers at once."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from rs_ui.runs import cache
from rs_ui.shell import share
from tests.pages.fake_worker import FakeWorker

APP = Path(__file__).resolve().parents[2] / "app.py"
OWNER = "a" * 64
Open = Callable[..., AppTest]


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeWorker]:
    fake = FakeWorker()
    monkeypatch.setenv("RS_HOME", str(tmp_path))
    loggers = [logging.getLogger(name) for name in ("rs_ui", "streamlit.error_util")]
    before = [list(logger.handlers) for logger in loggers]
    monkeypatch.setattr(cache, "Worker", lambda: fake)
    _forget_shared()
    yield fake
    _forget_shared()
    for logger, handlers in zip(loggers, before, strict=True):
        for added in set(logger.handlers) - set(handlers):
            logger.removeHandler(added)
            added.close()


def _forget_shared() -> None:
    cache.client.cache_clear()
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def open_app(worker: FakeWorker, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens the app, at a page and with query parameters, as the browser that holds `owner`."""

    def visit(page: str = "", owner: str | None = OWNER, **params: str) -> AppTest:
        monkeypatch.setattr(share, "exchange_owner", lambda: owner)
        app = AppTest.from_file(APP, default_timeout=20)
        app.query_params.update(params)
        app.run()
        if page:
            app.switch_page(f"pages/{page}.py").run()
        assert not app.exception, [e.value for e in app.exception]
        return app

    return visit
