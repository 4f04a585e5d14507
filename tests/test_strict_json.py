import json

import pytest

from rs_core.strict_json import MAX_DEPTH, parse_json


def test_a_key_that_occurs_twice_is_refused_at_any_depth() -> None:
    assert parse_json(b'{"a": {"b": 1}, "c": [{"b": 2}]}') == {"a": {"b": 1}, "c": [{"b": 2}]}
    for text in ('{"a": 1, "a": 1}', '[{"b": {"a": 1, "c": 2, "a": 3}}]'):
        with pytest.raises(ValueError, match="the key 'a' occurs twice"):
            parse_json(text)


def test_nesting_has_a_limit() -> None:
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(ValueError, match="nested deeper than 64 levels"):
            parse_json("[" * depth + "]" * depth)


@pytest.mark.parametrize("value", [None, 3, "a", [1, [2.5, {"a": []}]], {"a": {"b": [True]}}])
def test_json_is_read_as_it_was_written(value: object) -> None:
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value).encode()) == value
