import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rs_core.attacks import Fgsm
from rs_core.errors import ParameterError
from rs_core.fields import (
    FieldDescription,
    check_params,
    describe_fields,
    param,
    shown,
    whole_number,
)


@dataclass(frozen=True, kw_only=True)
class Knobs:
    sigma: float = param(0.5, help="noise", unit="pixels of [0,1]", low=0, high=10, low_open=True)
    n: int = param(100, help="draws", low=1, high=1000)
    many: tuple[float, ...] = param((0.1, 0.2), help="several", low=0, high=1)
    bound: str = param("exact", help="which", choices=("exact", "loose"))
    name: str = param("x", help="anything")
    maybe: float | None = param(None, help="or none", low=0, high=1)
    flag: bool = param(False, help="on or off")
    widths: tuple[int, ...] | None = param(None, help="several or none", low=1, high=1e8)

    def __post_init__(self) -> None:
        check_params(self)


@pytest.mark.parametrize(
    "change",
    [
        {"sigma": 0}, {"sigma": 10.1}, {"sigma": math.nan}, {"sigma": math.inf}, {"sigma": "many"},
        {"sigma": None}, {"n": 0}, {"n": 2.5}, {"n": 1e12}, {"many": ()}, {"many": (0.1, math.nan)},
        {"many": (2.0,)}, {"bound": "wald"}, {"maybe": 1.5}, {"maybe": "x"}, {"n": 10**400},
    ],
)  # fmt: skip
def test_values_outside_their_range_are_refused(change: dict[str, object]) -> None:
    (name,) = change
    with pytest.raises(ParameterError, match=name) as caught:
        Knobs(**change)
    assert str(caught.value).endswith((".", "number."))
    assert "\n" not in str(caught.value)


def test_the_message_names_value_unit_and_limit() -> None:
    with pytest.raises(ParameterError, match=r"sigma=-1 pixels of \[0,1\] is out of range: give a"):
        Knobs(sigma=-1)
    with pytest.raises(ParameterError, match="above 0 and at most 10"):
        Knobs(sigma=11)
    with pytest.raises(ParameterError, match="choose one of exact, loose"):
        Knobs(bound="wald")


@given(
    sigma=st.floats(min_value=1e-6, max_value=10),
    n=st.integers(1, 1000),
    maybe=st.none() | st.floats(0, 1),
)
def test_values_inside_are_kept(sigma: float, n: int, maybe: float | None) -> None:
    knobs = Knobs(sigma=sigma, n=n, maybe=maybe)
    assert (knobs.sigma, knobs.n, knobs.maybe) == (sigma, n, maybe)


def test_whole_floats_become_integers() -> None:
    assert type(Knobs(n=1e2).n) is int


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_every_float_is_either_kept_or_refused(sigma: float) -> None:
    inside = 0 < sigma <= 10
    if inside:
        assert Knobs(sigma=sigma).sigma == sigma
    else:
        with pytest.raises(ParameterError):
            Knobs(sigma=sigma)


def test_descriptions_hold_what_a_form_needs() -> None:
    found = {facts.name: facts for facts in describe_fields(Knobs)}
    assert list(found) == ["sigma", "n", "many", "bound", "name", "maybe", "flag", "widths"]
    kinds = ("float", "int", "floats", "choice", "str", "float", "bool", "floats")
    assert tuple(facts.kind for facts in found.values()) == kinds
    assert found["sigma"] == FieldDescription(
        name="sigma", kind="float", default=0.5, required=False, low=0, high=10, low_open=True,
        high_open=False, unit="pixels of [0,1]", help="noise", choices=(),
    )  # fmt: skip
    assert found["bound"].choices == ("exact", "loose")
    assert found["many"].default == (0.1, 0.2)
    assert found["maybe"].default is None
    assert not found["maybe"].required


def test_a_range_of_one_value_is_named_as_one() -> None:
    with pytest.raises(ParameterError, match=r"steps=2 is out of range: give 1, the only value"):
        Fgsm(steps=2)


def test_a_field_without_default_is_required() -> None:
    @dataclass(frozen=True)
    class Needs:
        sigma: float = param(help="noise")
        flag: bool = param(True, help="or not")
        plain: int = 3

    sigma, flag = describe_fields(Needs)
    assert (sigma.required, sigma.default, sigma.high) == (True, None, math.inf)
    assert (flag.kind, flag.default) == ("bool", True)


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sigma": [0.5]}, r"sigma=\[0.5\] is not a number: give a number above 0 and at most 10"),
        ({"sigma": [0.25, 0.5]}, "is not a number"),
        ({"sigma": np.array([0.5])}, r"sigma=\[0.5\] is not a number"),
        ({"sigma": True}, "sigma=True is not a number"),
        ({"sigma": "0.5"}, "sigma='0.5' is not a number"),
        ({"sigma": 1j}, "is not a number"),
        ({"sigma": Unprintable()}, "sigma=a Unprintable is not a number"),
        ({"sigma": "x\ny" * 500}, r"sigma='x\\nyx.*\.\.\. is not a number"),
        ({"sigma": 10**400}, "is out of range"),
        ({"sigma": 10**5000}, "sigma=a int .* is out of range"),
        ({"n": [200]}, r"n=\[200\] is not a number"),
        ({"n": True}, "n=True is not a number"),
        ({"n": "200"}, "n='200' is not a number"),
        ({"n": Fraction(7, 2)}, "is not a whole number"),
        ({"maybe": False}, "maybe=False is not a number"),
        ({"flag": "no"}, "flag='no' is neither on nor off: give True or False"),
        ({"flag": 1}, "flag=1 is neither"),
        ({"flag": None}, "flag=None is neither"),
        ({"bound": np.array(["exact", "loose"])}, "bound=array.* is not known"),
        ({"bound": None}, "bound=None is not known"),
        ({"many": "0.5"}, "many='0.5' is not a list of numbers"),
        ({"many": b"0.5"}, "is not a list of numbers"),
        ({"many": {0.5: 1}}, "is not a list of numbers"),
        ({"many": None}, "many=None is not a list of numbers"),
        ({"many": itertools.count()}, "is not a list of numbers"),
        ({"many": True}, "many=True is not a number"),
        ({"many": [True]}, "many=True is not a number"),
        ({"many": ["0.5"]}, "many='0.5' is not a number"),
        ({"many": np.zeros((2, 2))}, r"many=\[0.0, 0.0\] is not a number"),
        ({"many": np.array([])}, "many is empty"),
        ({"widths": [1, 2.5]}, "widths=2.5 is not a whole number"),
        ({"widths": [2e8]}, "at least 1 and at most 100000000"),
    ],
)  # fmt: skip
def test_values_of_another_kind_are_refused_in_one_sentence(
    change: dict[str, object], said: str
) -> None:
    with pytest.raises(ParameterError, match=said) as caught:
        Knobs(**change)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("given", "held"),
    [
        (np.linspace(0.25, 0.75, 3), (0.25, 0.5, 0.75)),
        (torch.tensor([0.25, 0.5]), (0.25, 0.5)),
        ([np.float64(0.25), torch.tensor(0.5)], (0.25, 0.5)),
        (range(2), (0.0, 1.0)),
        ({0.5}, (0.5,)),
        (dict.fromkeys([0.25, 0.5]).keys(), (0.25, 0.5)),
        (0.5, (0.5,)),
        (np.float32(0.5), (0.5,)),
    ],
)
def test_several_numbers_may_come_in_any_container(given: object, held: tuple[float, ...]) -> None:
    found = Knobs(many=given).many
    assert found == held
    assert {type(item) for item in found} == {float}


@pytest.mark.parametrize("one", [1, np.int64(1), np.float32(1), torch.tensor(1), Fraction(1)])
def test_fields_hold_plain_values_of_their_own_type(one: object) -> None:
    knobs = Knobs(sigma=one, n=one, maybe=one, many=[one], widths=[one], flag=np.bool_(True))
    held = (knobs.sigma, knobs.n, knobs.maybe, *knobs.many, *(knobs.widths or ()), knobs.flag)
    assert held == (1, 1, 1, 1, 1, True)
    assert [type(value) for value in held] == [float, int, float, float, int, bool]


@given(st.integers(-(2**70), 2**70))
def test_whole_numbers_are_kept_exactly(value: int) -> None:
    assert whole_number(value) == value
    assert whole_number(Fraction(value)) == value


@pytest.mark.parametrize(
    "value", [1.5, math.nan, math.inf, True, "1", None, [1], 1j, np.bool_(True)]
)
def test_what_is_no_whole_number_is_none(value: object) -> None:
    assert whole_number(value) is None


def test_shown_values_are_one_short_line() -> None:
    assert shown(0.5) == "0.5"
    assert shown(np.zeros((3, 3))) == "array([[0., 0., 0.], [0., 0., 0.], [0., 0., 0.]])"
    assert len(shown("x" * 1000)) == 60
