"""Bounds, units and help on dataclass fields: one schema for Python, command line and forms."""

import dataclasses
import math
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rs_core.errors import ParameterError

Kind = Literal["int", "float", "bool", "str", "choice", "floats"]


@dataclass(frozen=True)
class FieldDescription:
    """What a form must know of one field.

    `default` is None where a value is required; `low` and `high` are infinite where there is no
    bound; `help` does not repeat the unit.
    """

    name: str
    kind: Kind
    default: Any
    required: bool
    low: float
    high: float
    low_open: bool
    high_open: bool
    unit: str
    help: str
    choices: tuple[str, ...]


def param(
    default: Any = dataclasses.MISSING,
    *,
    help: str,
    unit: str = "",
    low: float = -math.inf,
    high: float = math.inf,
    low_open: bool = False,
    high_open: bool = False,
    choices: Sequence[str] = (),
) -> Any:
    """A dataclass field that knows its bounds, unit and help.

    Args:
        default: value when none is given; leave out for a required field.
        help: one line for `--help` and for the form.
        unit: e.g. "pixels of [0,1]"; shown beside the value.
        low, high: inclusive bounds of a number (or of each number of a sequence).
        low_open, high_open: make that bound exclusive.
        choices: allowed strings.

    Returns:
        A `dataclasses.field` whose metadata `check_params` and the forms read.
    """
    metadata = {
        "help": f"{help} [{unit}]" if unit else help,
        "unit": unit,
        "low": low,
        "high": high,
        "low_open": low_open,
        "high_open": high_open,
        "choices": tuple(choices),
    }
    return dataclasses.field(default=default, metadata=metadata)


def check_params(instance: Any) -> None:
    """Hold every `param` field of a dataclass instance to its bounds; call it in `__post_init__`.

    Numbers must be finite, whole where the annotation says int (1e3 becomes 1000), and within
    the bounds.

    Raises:
        ParameterError: names the field, the value, the limit.
    """
    for field in dataclasses.fields(instance):
        if "choices" in field.metadata:
            value = getattr(instance, field.name)
            _check_field(field, value)
            if field.type is int and type(value) is not int:
                object.__setattr__(instance, field.name, int(value))


def _check_field(field: dataclasses.Field[Any], value: Any) -> None:
    if isinstance(value, bool) or (value is None and "None" in str(field.type)):
        return
    if not any(kind in str(field.type) for kind in ("int", "float")):
        choices = field.metadata["choices"]
        if choices and value not in choices:
            raise ParameterError(
                f"{field.name}={value!r} is not known: choose one of {', '.join(choices)}."
            )
        return
    if isinstance(value, list | tuple):
        if not value:
            raise ParameterError(f"{field.name} is empty: give at least one number.")
        for item in value:
            _check_number(field, item)
        return
    _check_number(field, value)


def _check_number(field: dataclasses.Field[Any], value: Any) -> None:
    name, unit = field.name, field.metadata["unit"]
    wants_int = field.type is int or field.type == "int"
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ParameterError(f"{name}={value!r} is not a number: {_range(field)}.") from None
    if not math.isfinite(number):
        raise ParameterError(f"{name}={value!r} is not finite: {_range(field)}.")
    if wants_int and number != int(number):
        raise ParameterError(f"{name}={value!r} is not a whole number: {_range(field)}.")
    low, high = field.metadata["low"], field.metadata["high"]
    too_low = number < low or (field.metadata["low_open"] and number == low)
    too_high = number > high or (field.metadata["high_open"] and number == high)
    if too_low or too_high:
        in_unit = f" {unit}" if unit else ""
        raise ParameterError(f"{name}={value!r}{in_unit} is out of range: {_range(field)}.")


def _range(field: dataclasses.Field[Any]) -> str:
    low, high = field.metadata["low"], field.metadata["high"]
    parts = []
    if low > -math.inf:
        parts.append(f"{'above' if field.metadata['low_open'] else 'at least'} {low:g}")
    if high < math.inf:
        parts.append(f"{'below' if field.metadata['high_open'] else 'at most'} {high:g}")
    return "give a number " + " and ".join(parts) if parts else "give a finite number"


def describe_fields(cls: type) -> tuple[FieldDescription, ...]:
    """Every `param` field of a dataclass, in order: forms and their checks are built from this."""
    hints = typing.get_type_hints(cls)
    return tuple(
        _describe(field, hints[field.name])
        for field in dataclasses.fields(cls)
        if "choices" in field.metadata
    )


def _describe(field: dataclasses.Field[Any], hint: Any) -> FieldDescription:
    facts = field.metadata
    required = field.default is dataclasses.MISSING
    return FieldDescription(
        name=field.name,
        kind=_kind(hint, facts["choices"]),
        default=None if required else field.default,
        required=required,
        low=facts["low"],
        high=facts["high"],
        low_open=facts["low_open"],
        high_open=facts["high_open"],
        unit=facts["unit"],
        help=facts["help"].removesuffix(f" [{facts['unit']}]"),
        choices=facts["choices"],
    )


def _kind(hint: Any, choices: Sequence[str]) -> Kind:
    if choices:
        return "choice"
    if typing.get_origin(hint) is tuple:
        return "floats"
    plain = next((a for a in typing.get_args(hint) if a in (int, float, str, bool)), hint)
    names: dict[Any, Kind] = {bool: "bool", int: "int", float: "float"}
    return names.get(plain, "str")
