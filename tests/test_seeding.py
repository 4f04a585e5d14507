import math
import os
import secrets

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_core import seeding
from rs_core.errors import ParameterError
from rs_core.seeding import block_seeds, check_seed, derive_key, derive_seed, drawn_seed
from tests.conftest import OPERATING_SYSTEM

PATHS = int(os.environ.get("RS_PATHS", "200000"))
PART = st.integers(0, 2**40) | st.text(max_size=12)


def test_a_seed_is_pinned() -> None:
    """Published numbers name their seed; a new derivation would silently change them all."""
    assert derive_seed(0, "certify", "digest", 3) == 1321391758459740320


@given(st.lists(PART, max_size=4), st.lists(PART, max_size=4))
def test_different_paths_lead_to_different_seeds(a: list[str | int], b: list[str | int]) -> None:
    assert (derive_seed(0, *a) == derive_seed(0, *b)) == (a == b)
    assert 0 <= derive_seed(0, *a) < 2**63


def test_parts_do_not_run_together() -> None:
    assert derive_seed(0, "ab", "c") != derive_seed(0, "a", "bc")
    assert derive_seed(0, 1) != derive_seed(0, "1")
    assert derive_seed(0, "x") != derive_seed(1, "x")


@given(base=st.integers(0, 2**63 - 1), first=st.integers(0, 2**28 - 200))
def test_blocks_of_one_base_never_share_a_seed(base: int, first: int) -> None:
    seeds = [s for slot in range(16) for s in block_seeds(base, slot, first, 20)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= s < 2**32 for s in seeds)
    assert seeds[5:20] == list(block_seeds(base, 0, first + 5, 15))


def test_no_two_paths_share_a_key() -> None:
    """Blocks of many images and stages; `RS_PATHS=10000000` tries as many."""
    images, blocks = 20, 16
    digests = -(-PATHS // (images * blocks))
    keys = np.fromiter(
        (
            key >> shift & 2**64 - 1
            for seed in range(digests)
            for image in range(images)
            for block in range(blocks)
            for key in (derive_key(seed, "certify", f"{image:032x}", "weights", 8, block),)
            for shift in (64, 0)
        ),
        dtype=np.uint64,
    ).reshape(-1, 2)
    assert len(keys) >= PATHS
    assert len(np.unique(keys.view("V16"))) == len(keys)


@given(st.lists(PART, max_size=4), st.lists(PART, max_size=4))
def test_different_paths_lead_to_different_keys(a: list[str | int], b: list[str | int]) -> None:
    assert (derive_key(0, *a) == derive_key(0, *b)) == (a == b)
    assert 0 <= derive_key(0, *a) < 2**128


def test_a_key_is_pinned() -> None:
    assert derive_key(0, "certify", "digest", 3) == 0x1BC1DD6BBAFD3D3E155140468AFE599A


def test_numpy_integers_are_integers() -> None:
    assert derive_seed(np.int64(3), "x") == derive_seed(3, "x")
    assert type(check_seed(np.int64(3))) is int
    assert derive_seed(3.0, "x") == derive_seed(3, "x")
    assert check_seed(2**64 - 1) == 2**64 - 1


@pytest.mark.parametrize(
    "seed", [-1, 2**64, 1.5, "a", "1", True, None, math.nan, math.inf, [1], 10**500]
)
def test_what_is_no_seed_is_refused(seed: object) -> None:
    with pytest.raises(ParameterError, match=r"^seed=.* from 0 to 2\*\*64 - 1\.$"):
        derive_seed(seed, "x")


def test_drawn_seeds_differ_and_fill_their_range(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OPERATING_SYSTEM is secrets.randbelow  # the suite's own draws repeat themselves
    monkeypatch.setattr(seeding, "randbelow", OPERATING_SYSTEM)
    seeds = [drawn_seed() for _ in range(1000)]
    assert len(set(seeds)) == len(seeds)
    for bit in range(64):
        assert 350 < sum(seed >> bit & 1 for seed in seeds) < 650  # nine deviations
    assert {drawn_seed(2) for _ in range(100)} == {0, 1}
    assert all(check_seed(seed) == seed for seed in seeds)
