"""JSON values as the fields of a dataclass, each checked: what arrives may be anything."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from rs_core.errors import ParameterError
from rs_core.fields import NAME, FieldDescription, describe_fields
from rs_core.worker.requests import shortened

T = TypeVar("T")


def built(
    kind: type[T],
    config: Mapping[str, Any],
    name: str,
    *,
    fields: Sequence[FieldDescription] | None = None,
    also: Mapping[str, Any] | None = None,
) -> T:
    """The dataclass with these settings; those left out have their defaults.

    Args:
        kind: a dataclass of `param` fields that checks their ranges itself.
        config: settings by field, as JSON values.
        name: what the settings belong to, for messages.
        fields: those that may be set; all by default.
        also: fields by name that are no settings of a request, and yield to those that are.

    Raises:
        ParameterError: an unknown or missing setting, a value of another kind or out of its range.
    """
    values = checked(config, name, describe_fields(kind) if fields is None else fields)
    return kind(**{**(also or {}), **values})


def checked(
    config: Mapping[str, Any], name: str, fields: Sequence[FieldDescription]
) -> dict[str, Any]:
    """The settings of a config as the fields take them; their ranges are not looked at.

    Args:
        config: settings by field, as JSON values.
        name: what the settings belong to, for messages.
        fields: those that may be set.

    Raises:
        ParameterError: an unknown or missing setting, or a value of another kind.
    """
    known = {facts.name: facts for facts in fields}
    unknown = [str(setting) for setting in config if setting not in known]
    if unknown:
        raise ParameterError(
            f"{shortened(unknown[0])} is no setting of {name}: it has {', '.join(known)}."
        )
    missing = [n for n, facts in known.items() if facts.required and config.get(n) is None]
    if missing:
        raise ParameterError(f"{missing[0]} is missing: {name} needs {known[missing[0]].help}.")
    # None stands where a field may be left open, as its default says.
    given = {n: v for n, v in config.items() if v is not None or known[n].default is not None}
    return {n: _value(known[n], value) for n, value in given.items()}


def numbers(name: str, value: Any, *, limit: int) -> tuple[float, ...]:
    """A list of up to `limit` numbers; their ranges are held by whoever takes them."""
    if not isinstance(value, list):
        raise ParameterError(f"{name}={shortened(value)} must be a list of numbers.")
    if len(value) > limit:
        raise ParameterError(f"{name} holds {len(value)} noise levels: the limit is {limit}.")
    return tuple(_number(name, item) for item in value)


def _value(facts: FieldDescription, value: Any) -> Any:
    """A JSON value as the field takes it; ranges are held by the dataclass."""
    if facts.kind == "bool":
        if not isinstance(value, bool):
            raise ParameterError(f"{facts.name}={shortened(value)} must be true or false.")
        return value
    if facts.kind == "int":
        return _whole(_number(facts.name, value))
    if facts.kind == "float":
        return _number(facts.name, value)
    if facts.kind == "floats":
        if not isinstance(value, list):
            raise ParameterError(f"{facts.name}={shortened(value)} must be a list of numbers.")
        return tuple(_number(facts.name, item) for item in value)
    if facts.kind == "one_of":
        return _variant(facts, value)
    if not isinstance(value, str):
        raise ParameterError(f"{facts.name}={shortened(value)} must be text.")
    if facts.choices and value not in facts.choices:
        raise ParameterError(
            f"{facts.name}={shortened(value)} is not known: choose one of "
            f"{', '.join(facts.choices)}."
        )
    return value


def _variant(facts: FieldDescription, value: Any) -> dict[str, Any]:
    """A nested value, each of its settings as its own field takes it."""
    if not isinstance(value, dict) or value.get(NAME) not in facts.variants:
        raise ParameterError(
            f'{facts.name}={shortened(value)} must be an object with a "{NAME}": one of '
            f"{', '.join(facts.variants)}."
        )
    name = value[NAME]
    own = {key: one for key, one in value.items() if key != NAME}
    return {NAME: name, **checked(own, name, facts.variants[name].fields)}


def _number(name: str, value: Any) -> float | int:
    if type(value) not in (int, float):
        raise ParameterError(f"{name}={shortened(value)} is not a number: give one.")
    number: float | int = value
    return number


def _whole(number: float | int) -> float | int:
    return int(number) if isinstance(number, float) and number.is_integer() else number
