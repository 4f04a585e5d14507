"""A table survives kill -9: 8 times here, RS_KILLS=50 times in `make campaign`."""

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.papers.kills import nursery
from tests.papers.test_runner import contents
from tests.training.kills import Nursery

KILLS = max(8, int(os.environ.get("RS_KILLS", "0")))
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 needs a Unix")


@pytest.fixture(scope="module")
def home() -> Iterator[Nursery]:
    with nursery() as started:
        yield started


def visible(folder: Path) -> dict[str, bytes]:
    """Without what a write that was killed left behind under a hidden name."""
    return {name: data for name, data in contents(folder).items() if "/." not in f"/{name}"}


def test_killed_tables_end_with_the_same_bytes(home: Nursery, tmp_path: Path) -> None:
    assert home.train(tmp_path / "first", kill_after=None) == 0  # waits for imports
    begun = time.monotonic()
    assert home.train(tmp_path / "straight", kill_after=None) == 0
    length = time.monotonic() - begun
    expected, chance, killed, number = visible(tmp_path / "straight"), random.Random(1), 0, 0
    while killed < KILLS:
        number += 1
        folder, ended = tmp_path / f"run {number}", -signal.SIGKILL
        while ended != 0:
            moment = chance.uniform(0, length / 2) if killed < KILLS else None
            ended = home.train(folder, kill_after=moment)
            assert ended in (0, -signal.SIGKILL), f"the table failed with {ended}"
            killed += ended != 0
        assert visible(folder) == expected, f"other bytes after {killed} kills"
