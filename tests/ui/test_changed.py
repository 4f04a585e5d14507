"""Where the controls ask for something else than a run was asked."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_ui.changed import differs

NUMBERS = st.lists(st.integers(-9, 9) | st.floats(-9, 9), min_size=1)
SETTINGS = st.dictionaries(
    st.text(max_size=3),
    st.none() | st.booleans() | st.text(max_size=3) | st.floats(-9, 9) | NUMBERS,
    max_size=4,
)


@given(SETTINGS, SETTINGS)
def test_what_was_sent_and_more_is_the_same(wanted: dict, more: dict) -> None:
    """As JSON carries it, with what the worker adds."""
    sent = json.loads(json.dumps(wanted))
    assert not differs(wanted, {**more, **sent})
    assert not differs({"methods": (wanted,)}, {"methods": [{**more, **sent}]})


@given(NUMBERS)
def test_numbers_are_the_same_in_any_order(numbers: list[float]) -> None:
    assert not differs(numbers, tuple(sorted(numbers)))
    assert differs([*numbers, 10], numbers)
    assert differs(numbers, [*numbers, 10])


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ({"n": 100}, {"n": 101}),
        ({"n": 100}, {}),
        ({"sigma": 0.25}, {"sigma": None}),
        ({"selector": None}, {"selector": {"selector": "grid", "settings": {}}}),
        ({"selector": {"selector": "grid", "settings": {"n": 5}}}, {"selector": None}),
        (
            {"selector": {"selector": "grid", "settings": {"n": 5}}},
            {"selector": {"selector": "grid", "settings": {"n": 6}}},
        ),
        ({"methods": [{"selector": "grid"}]}, {"methods": []}),
        ({"methods": [{"selector": "grid"}]}, {"methods": [{"selector": "fixed"}]}),
        ({"votes": ["hard", "rank"]}, {"votes": ["hard"]}),
    ],
)
def test_one_other_setting_is_found(wanted: Any, asked: Any) -> None:
    assert differs(wanted, asked)
