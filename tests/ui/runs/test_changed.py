"""Where the controls ask for something else than a run was asked."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_core.results import ModelSpec
from rs_ui.runs.changed import RunRequest, differs, others
from rs_ui.runs.session import Subject

SHIPPED = ModelSpec("m", "conv4", (1, 28, 28), ("a", "b"), weights="m-0123.safetensors")
OWN = replace(SHIPPED, weights="")  # as the worker tells of networks that were brought
SUBJECT = Subject(
    "i", "a.png", np.zeros((1, 28, 28)), b"", (), None, False, "m", SHIPPED, 3, 0.001, "auto"
)
ASKED: dict[str, Any] = {
    "kind": "points",
    "image_ids": ["i"], "labels": [None], "model": "m-0123", "seed": 3, "device": "cpu",
    "config": {"n": 100, "alpha": 0.001},
}  # fmt: skip
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


def said(asked: dict[str, Any] = ASKED, images: tuple[str, ...] = ("i",), **subject: Any) -> list:
    one = replace(SUBJECT, **subject)
    return others(RunRequest("points", one, images, {"n": 100, "alpha": one.alpha}), asked)


def test_the_same_question_is_no_other_one() -> None:
    assert said() == []
    assert said(device="cpu") == []
    assert said({**ASKED, "device": "cuda"}, device="cuda:1") == []
    assert said({**ASKED, "labels": [1]}, label=1) == []
    assert said({**ASKED, "labels": [1]}) == [], "a class of other classes than the network's"
    assert said({**ASKED, "image_ids": ["j"], "labels": [1]}, ("j",), label=0) == []
    assert said({**ASKED, "model": "upload:1"}, model="upload:1", spec=OWN) == []


def test_each_difference_is_named() -> None:
    assert said(images=("j",)) == ["other images"]
    assert said(images=("i", "j")) == ["other images"]
    assert said(label=1) == ["another true class"]
    assert said(seed=4, alpha=0.01) == ["another seed", "another alpha"]
    assert said({**ASKED, "device": "cuda"}, device="cpu") == ["another device"]
    assert said({**ASKED, "config": {"n": 5, "alpha": 0.001}}) == ["other settings"]


def test_networks_are_told_apart_by_their_weights() -> None:
    assert said({**ASKED, "model": "m-9999"}) == ["another network"]
    assert said(spec=replace(SHIPPED, weights="m-9.safetensors")) == ["another network"]
    for asked in ("upload:1", "m-0123"):
        assert said({**ASKED, "model": asked}, model="upload:2", spec=OWN) == ["another network"]
