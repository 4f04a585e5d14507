"""A field that holds one of several dataclasses, each with settings of its own."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from rs_core.errors import ParameterError, UnknownNameError

NAME = "name"  # of the variant, among its settings


def variant(field: str, known: Mapping[str, type], value: Any) -> Any:
    """The dataclass that a value stands for.

    Args:
        field: its name, for messages.
        known: the classes by name.
        value: an instance of one of them, or {"name": ..., **settings}.

    Raises:
        UnknownNameError: no class has that name.
        ParameterError: it is neither; or a setting is unknown, missing or out of its range.
    """
    if type(value) in known.values():
        return value
    if not isinstance(value, Mapping) or not isinstance(value.get(NAME), str):
        raise ParameterError(
            f"{field} is not one of {', '.join(known)} with its settings: give "
            f'{{"{NAME}": "{next(iter(known))}"}}, and settings beside it.'
        )
    name = value[NAME]
    if name not in known:
        raise UnknownNameError(field, name[:40], known)
    settings = {str(key): own for key, own in value.items() if key != NAME}
    fields = {own.name: own for own in dataclasses.fields(known[name])}
    unknown = [key for key in settings if key not in fields]
    if unknown:
        has = f"it has {', '.join(fields)}" if fields else "it has none"
        raise ParameterError(f"{unknown[0][:40]!r} is no setting of {name}: {has}.")
    missing = [
        key
        for key, own in fields.items()
        if own.default is dataclasses.MISSING and key not in settings
    ]
    if missing:
        raise ParameterError(f"{missing[0]} is missing: {name} needs it.")
    return known[name](**settings)


def settings_of(instance: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, from which it can be built again.

    A nested variant is {"name": ..., **settings}. Fields that came later are left out at their
    defaults.
    """
    found: dict[str, Any] = {}
    for field in dataclasses.fields(instance):
        value, known = getattr(instance, field.name), field.metadata.get("one_of")
        if field.metadata.get("later") and value == field.default:
            continue
        if not known or value is None:
            found[field.name] = value
        else:
            name = next(name for name, kind in known.items() if kind is type(value))
            found[field.name] = {NAME: name, **settings_of(value)}
    return found
