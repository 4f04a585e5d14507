"""Answers as files that two versions share: sorted keys, nothing that a clock measured."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

# Measured by a clock, or of the release.
NEVER_THE_SAME = {
    "seconds": "a clock's",
    "images_per_second": "a clock's",
    "created": "a time of day",
    "ended": "a time of day",
    "counted_at": "a time of day",
    "version": "of the release, not of what it does",
}
# Beside a run's id only: elsewhere a size says something.
NEVER_THE_SAME_OF_A_RUN = {"size": "of a folder, in which the digits of seconds are counted"}
_LONGEST = 2000  # characters of a text; a longer one is named by its digest


def write_answer(path: Path, answer: Any, names: Mapping[str, str] | None = None) -> None:
    """Write JSON values, without what is never the same.

    Args:
        names: words for ids that are drawn anew each time.
    """
    text = json.dumps(_kept(answer), indent=1, sort_keys=True, ensure_ascii=False)
    for drawn, word in (names or {}).items():
        text = text.replace(drawn, word)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def _kept(value: Any) -> Any:
    if isinstance(value, dict):
        drawn = NEVER_THE_SAME | (NEVER_THE_SAME_OF_A_RUN if "job" in value else {})
        return {
            name: f"({drawn[name]})"
            if name in drawn and isinstance(held, int | float | str)
            else _kept(held)
            for name, held in value.items()
        }
    if isinstance(value, list):
        return [_kept(one) for one in value]
    if isinstance(value, str) and len(value) > _LONGEST:
        digest = blake2b(value.encode(), digest_size=16).hexdigest()
        return f"({len(value)} characters, blake2b {digest})"
    return value
