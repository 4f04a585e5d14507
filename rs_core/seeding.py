"""Seeds by path: one explicit seed, one label per purpose, so that no two draws share a stream."""

from hashlib import blake2b


def derive_seed(seed: int, *path: str | int) -> int:
    """A 63-bit seed for the place that `path` names under `seed`.

    Each part is hashed with its kind and length, so ("a", "bc") and ("ab", "c"), or 1 and "1",
    lead to different streams.
    """
    digest = blake2b(digest_size=8)
    for part in (seed, *path):
        raw = str(part).encode()
        digest.update(f"{type(part).__name__}:{len(raw)}:".encode() + raw)
    return int.from_bytes(digest.digest(), "big") >> 1
