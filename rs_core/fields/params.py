"""Bounds, units and help on dataclass fields, and the check that holds values to them."""

import dataclasses
import math
import numbers
import typing
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, cast

from rs_core.errors import ParameterError
from rs_core.fields.variants import variant

Kind = Literal["int", "float", "bool", "str", "choice", "floats", "one_of"]


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
    one_of: Mapping[str, type] | None = None,
    later: bool = False,
) -> Any:
    """A dataclass field that knows its bounds, unit and help.

    Args:
        default: value when none is given; leave out for a required field.
        help: one line for `--help` and for the form.
        unit: e.g. "pixels of [0,1]"; shown beside the value.
        low, high: inclusive bounds of a number (or of each number of a sequence).
        low_open, high_open: make that bound exclusive.
        choices: allowed strings.
        one_of: a registry of dataclasses; the field holds one of them with settings of its own, or
            None where that is its default. A mapping {"name": ..., **settings} becomes one.
        later: it came after settings had been stored: at its default it is left out of what is
            stored, so that a request, a memory or a checkpoint from before is still the same.

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
        "one_of": one_of or {},
        "later": later,
    }
    return dataclasses.field(default=default, metadata=metadata)


def check_params(instance: Any) -> None:
    """Hold every `param` field of a dataclass instance to its kind; call it in `__post_init__`.

    Fields end up holding plain values: float, int (1e3 becomes 1000), bool, or a tuple of numbers
    from a list, range, set, array or tensor, or from one number alone.

    Raises:
        ParameterError: names the field, the value, the limit.
    """
    hints = typing.get_type_hints(type(instance))
    for field in dataclasses.fields(instance):
        if "choices" in field.metadata:
            value = _plain(field, hints[field.name], getattr(instance, field.name))
            object.__setattr__(instance, field.name, value)


def check_value(cls: type, name: str, value: Any) -> None:
    """Hold one value to its `param` field alone, as `check_params` holds them all.

    Raises:
        ParameterError: names the field, the value, the limit.
    """
    field = next(field for field in dataclasses.fields(cls) if field.name == name)
    if "choices" in field.metadata:
        _plain(field, typing.get_type_hints(cls)[name], value)


def whole_number(value: Any) -> int | None:
    """An int of anything that is a whole number (1e3 too, never a bool or text), else None."""
    number = _unwrapped(value)
    if isinstance(number, bool) or not isinstance(number, numbers.Real):
        return None
    finite = not isinstance(number, float) or math.isfinite(number)
    whole: int | None = cast(Any, number).__floor__() if finite else None
    return whole if whole == number else None


def shown(value: Any) -> str:
    """A value for a sentence: one line of at most 60 characters, whatever its repr() does."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # repr() is foreign code, and Python refuses to print huge integers
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def _plain(field: dataclasses.Field[Any], hint: Any, value: Any) -> Any:
    """The value as the field's type has it."""
    name, kind = field.name, kind_of(hint, field.metadata)
    if value is None and type(None) in typing.get_args(hint):
        return None
    if kind == "one_of":
        return variant(name, field.metadata["one_of"], value)
    if kind == "choice":
        choices = field.metadata["choices"]
        if not isinstance(value, str) or value not in choices:
            raise ParameterError(
                f"{name}={shown(value)} is not known: choose one of {', '.join(choices)}."
            )
    if kind in ("choice", "str"):
        return value
    value = _unwrapped(value)
    if kind == "bool":
        if not isinstance(value, bool):
            raise ParameterError(
                f"{name}={shown(value)} is neither on nor off: give True or False."
            )
        return value
    if kind == "floats":
        items = _items(field, value)
        return tuple(_number(field, item, whole="int" in str(hint)) for item in items)
    return _number(field, value, whole=kind == "int")


def _unwrapped(value: Any) -> Any:
    """Arrays, tensors and their scalars as plain Python: all of them offer `tolist`."""
    if not hasattr(value, "tolist") or isinstance(value, type):
        return value
    try:
        return value.tolist()
    except Exception:  # foreign code, e.g. a tensor without data; the value is refused as it is
        return value


def _items(field: dataclasses.Field[Any], value: Any) -> Collection[Any]:
    if isinstance(value, numbers.Real):
        return (value,)
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Collection):
        raise ParameterError(
            f"{field.name}={shown(value)} is not a list of numbers: {_range(field)}, or several."
        )
    if not value:
        raise ParameterError(f"{field.name} is empty: give at least one number.")
    return value


def _number(field: dataclasses.Field[Any], value: Any, *, whole: bool) -> float:
    name, unit, low, high = field.name, *(field.metadata[key] for key in ("unit", "low", "high"))
    value = _unwrapped(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ParameterError(f"{name}={shown(value)} is not a number: {_range(field)}.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ParameterError(f"{name}={value!r} is not finite: {_range(field)}.")
    number: Any = whole_number(value) if whole else value
    if number is None:
        raise ParameterError(f"{name}={shown(value)} is not a whole number: {_range(field)}.")
    too_low = number < low or (field.metadata["low_open"] and number == low)
    too_high = number > high or (field.metadata["high_open"] and number == high)
    if too_low or too_high or (not whole and _overflows(number)):
        in_unit = f" {unit}" if unit else ""
        raise ParameterError(f"{name}={shown(value)}{in_unit} is out of range: {_range(field)}.")
    return int(number) if whole else float(number)


def _overflows(number: Any) -> bool:
    try:
        return not math.isfinite(float(number))
    except OverflowError:
        return True


def _range(field: dataclasses.Field[Any]) -> str:
    low, high = field.metadata["low"], field.metadata["high"]
    if low == high:
        return f"give {_limit(low)}, the only value there is"
    parts = []
    if low > -math.inf:
        parts.append(f"{'above' if field.metadata['low_open'] else 'at least'} {_limit(low)}")
    if high < math.inf:
        parts.append(f"{'below' if field.metadata['high_open'] else 'at most'} {_limit(high)}")
    return "give a number " + " and ".join(parts) if parts else "give a finite number"


def _limit(value: float) -> str:
    """A bound as it can be typed: 100000000 and not 1e+08."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:g}"


def kind_of(hint: Any, metadata: Mapping[str, Any]) -> Kind:
    """What a `param` field of this type hint and metadata holds."""
    if metadata["one_of"]:
        return "one_of"
    if metadata["choices"]:
        return "choice"
    if any(typing.get_origin(part) is tuple for part in (hint, *typing.get_args(hint))):
        return "floats"
    plain = next((a for a in typing.get_args(hint) if a in (int, float, str, bool)), hint)
    names: dict[Any, Kind] = {bool: "bool", int: "int", float: "float"}
    return names.get(plain, "str")
