import base64
from typing import Any

import pytest

from rs_core.errors import ParameterError
from rs_core.worker.requests import Fields


def test_fields_are_read() -> None:
    fields = Fields(
        {"owner": "ann", "seed": 3.0, "invert": "auto", "kind": "sweep", "sigmas": [1, 0.5],
         "data": base64.b64encode(b"abc").decode(), "config": {"n": 1}, "label": None}
    )  # fmt: skip
    assert fields.text("owner") == "ann"
    assert fields.text("device", "auto") == "auto"
    assert fields.whole("seed") == 3
    assert fields.whole("nothing", 7) == 7
    assert fields.maybe_whole("label") is None
    assert fields.choice("kind", ("sweep",)) == "sweep"
    assert fields.choice("precision", ("auto",), "auto") == "auto"
    assert fields.numbers("sigmas", limit=2) == (1.0, 0.5)
    assert fields.data("data") == b"abc"
    assert fields.table("config") == {"n": 1}
    assert fields.table("nothing") == {}
    assert fields.switch("invert") is None
    assert Fields({"invert": True}).switch("invert") is True
    assert "owner" in fields
    assert "label" not in fields


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("text", None), ("text", ""), ("text", 3), ("text", "x" * 201), ("text", ["a"]),
        ("whole", None), ("whole", -1), ("whole", 1.5), ("whole", True), ("whole", "1"),
        ("whole", 2**63), ("whole", float("nan")), ("maybe_whole", "x"), ("switch", "yes"),
        ("switch", 1), ("data", None), ("data", 3), ("data", "*"), ("data", "é"),
        ("table", []), ("table", "x"), ("table", None),
    ],
)  # fmt: skip
def test_unfit_fields_are_named(method: str, value: Any) -> None:
    if (method, value) == ("table", None):
        value = 0
    with pytest.raises(ParameterError, match="field") as caught:
        getattr(Fields({"field": value}), method)("field")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", [None, [], 3, ["x"], [0], [True], [float("nan")], [1] * 4, [1e9]])
def test_unfit_numbers_are_refused(value: Any) -> None:
    with pytest.raises(ParameterError, match="field"):
        Fields({"field": value}).numbers("field", limit=3)


def test_an_unknown_choice_lists_the_known_ones() -> None:
    for value in ("other", None, [], {}):
        with pytest.raises(ParameterError, match="sweep, certify"):
            Fields({"kind": value}).choice("kind", ("sweep", "certify"))
