"""A training survives kill -9: 5 times here, RS_KILLS=50 times in `make campaign`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rs_core.errors import CheckpointError
from tests.training.kills import WAYS, Nursery, campaign, nursery

KILLS = int(os.environ.get("RS_KILLS", "5"))
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 needs a Unix")


@pytest.fixture(scope="module")
def home() -> Iterator[Nursery]:
    with nursery() as started:
        yield started


def test_killed_trainings_end_with_the_same_bits(home: Nursery, tmp_path: Path) -> None:
    campaign(home, tmp_path, KILLS, seed=KILLS)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "none"])
def test_killed_trainings_end_with_the_same_sigmas(home: Nursery, tmp_path: Path, way: str) -> None:
    campaign(home, tmp_path, max(KILLS // 2, 2), seed=1, way=way)


def test_a_save_in_place_would_be_caught(home: Nursery, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, CheckpointError), match=r"failed|damaged|not a checkpoint"):
        campaign(home, tmp_path, 40, seed=0, in_place=True)
