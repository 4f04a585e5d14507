import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_core.errors import ParameterError
from rs_core.fields import FieldDescription, check_params, describe_fields, param


@dataclass(frozen=True, kw_only=True)
class Knobs:
    sigma: float = param(0.5, help="noise", unit="pixels of [0,1]", low=0, high=10, low_open=True)
    n: int = param(100, help="draws", low=1, high=1000)
    many: tuple[float, ...] = param((0.1, 0.2), help="several", low=0, high=1)
    bound: str = param("exact", help="which", choices=("exact", "loose"))
    name: str = param("x", help="anything")
    maybe: float | None = param(None, help="or none", low=0, high=1)

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
    assert list(found) == ["sigma", "n", "many", "bound", "name", "maybe"]
    kinds = ("float", "int", "floats", "choice", "str", "float")
    assert tuple(facts.kind for facts in found.values()) == kinds
    assert found["sigma"] == FieldDescription(
        name="sigma", kind="float", default=0.5, required=False, low=0, high=10, low_open=True,
        high_open=False, unit="pixels of [0,1]", help="noise", choices=(),
    )  # fmt: skip
    assert found["bound"].choices == ("exact", "loose")
    assert found["many"].default == (0.1, 0.2)
    assert found["maybe"].default is None
    assert not found["maybe"].required


def test_a_field_without_default_is_required() -> None:
    @dataclass(frozen=True)
    class Needs:
        sigma: float = param(help="noise")
        flag: bool = param(True, help="or not")
        plain: int = 3

    sigma, flag = describe_fields(Needs)
    assert (sigma.required, sigma.default, sigma.high) == (True, None, math.inf)
    assert (flag.kind, flag.default) == ("bool", True)
