"""Commands that are given no seed have 0 here: their numbers are compared, and never by luck."""

import pytest


@pytest.fixture(autouse=True)
def _no_luck(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.module.__name__.endswith("test_seeds"):
        monkeypatch.setattr("rs_core.cli.seeds.drawn_seed", lambda: 0)
