"""Somebody's JSON text, read so that it says one thing only."""

import json
from collections.abc import Iterable
from typing import Any

MAX_DEPTH = 64  # of somebody's JSON: who walks through it does so recursively


def parse_json(text: str | bytes) -> Any:
    """The JSON value of somebody's text, in which no object may name a key twice.

    NaN and Infinity, which Python's own writer makes, come as floats, and whole numbers in any
    size: who reads a number checks its range.

    Raises:
        ValueError: it is no JSON, a key occurs twice, of which Python's reader keeps the last
            without a word, or it is nested deeper than `MAX_DEPTH`.
    """
    try:
        parsed = json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError(_too_deep()) from None
    level = _containers([parsed])
    for _ in range(MAX_DEPTH):
        level = _containers(inner for value in level for inner in _inside(value))
        if not level:
            return parsed
    raise ValueError(_too_deep())


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made:
            raise ValueError(f"the key {name[:40]!r} occurs twice")
        made[name] = value
    return made


def _containers(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, dict | list)]


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _too_deep() -> str:
    return f"it is nested deeper than {MAX_DEPTH} levels"
