"""Seeds by path: one explicit seed, one label per purpose, so that no two draws share a stream."""

from collections.abc import Iterator
from hashlib import blake2b
from secrets import randbelow

from rs_core.errors import ParameterError
from rs_core.fields import shown, whole_number

SEED_LIMIT = 2**64


def check_seed(seed: int) -> int:
    """The seed as a plain int.

    Raises:
        ParameterError: it is no whole number from 0 to 2**64 - 1.
    """
    whole = whole_number(seed)
    if whole is None or not 0 <= whole < SEED_LIMIT:
        raise ParameterError(f"seed={shown(seed)} must be a whole number from 0 to 2**64 - 1.")
    return whole


def drawn_seed(limit: int = SEED_LIMIT) -> int:
    """A seed from 0 to `limit` - 1 that nobody can know beforehand, from the operating system.

    A statement's risk is over a seed drawn after the image was fixed: whoever knows the seed can
    try images until one has a false certificate.
    """
    return randbelow(limit)


def derive_seed(seed: int, *path: str | int) -> int:
    """A 63-bit seed for the place that `path` names under `seed`.

    Each part is hashed with its kind and length, so ("a", "bc") and ("ab", "c"), or 1 and "1",
    lead to different streams.

    Raises:
        ParameterError: `seed` is no seed; see `check_seed`.
    """
    return int.from_bytes(_hashed(seed, path, 8), "big") >> 1


def derive_key(seed: int, *path: str | int) -> int:
    """A 128-bit key for the place that `path` names under `seed`: see `derive_seed`.

    Raises:
        ParameterError: `seed` is no seed; see `check_seed`.
    """
    return int.from_bytes(_hashed(seed, path, 16), "big")


def _hashed(seed: int, path: tuple[str | int, ...], size: int) -> bytes:
    digest = blake2b(digest_size=size)
    for part in (check_seed(seed), *path):
        kind, raw = ("str", part) if isinstance(part, str) else ("int", str(int(part)))
        digest.update(f"{kind}:{len(raw.encode())}:{raw}".encode())
    return digest.digest()


def block_seeds(base: int, slot: int, first: int, count: int) -> Iterator[int]:
    """Seeds of blocks first, first + 1, ... of one of 16 slots: 32 bits, all different.

    torch's CPU generator reads the low 32 bits of a seed only, so hashed seeds would repeat now
    and then. Here slot and block number together count modulo 2**32 from the base, and a
    bijection scatters the count: within one base nothing can repeat.

    Args:
        base: from `derive_seed`.
        slot: 0 to 15; each holds 2**28 blocks.
        first: number of the first block.
        count: how many.
    """
    for number in range(first, first + count):
        yield _scatter((base + (slot << 28) + number) & 0xFFFFFFFF)


def _scatter(x: int) -> int:
    """A bijection of 32-bit numbers, each step of which can be undone (C. Wellons, lowbias32)."""
    x ^= x >> 16
    x = x * 0x7FEB352D & 0xFFFFFFFF
    x ^= x >> 15
    x = x * 0x846CA68B & 0xFFFFFFFF
    return x ^ x >> 16
