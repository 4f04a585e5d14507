"""What a form must know of a dataclass: one description per `param` field."""

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rs_core.fields.params import Kind, kind_of


@dataclass(frozen=True)
class Variant:
    """One of the dataclasses that a field may hold: its first line, and its own fields."""

    about: str
    fields: "tuple[FieldDescription, ...]"


@dataclass(frozen=True)
class FieldDescription:
    """What a form must know of one field.

    `default` is None where a value is required; `low` and `high` are infinite where there is no
    bound; `help` does not repeat the unit. `variants` are those of a field that nests, by name.
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
    variants: Mapping[str, Variant] = field(default_factory=dict)


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
        kind=kind_of(hint, facts),
        default=None if required else field.default,
        required=required,
        low=facts["low"],
        high=facts["high"],
        low_open=facts["low_open"],
        high_open=facts["high_open"],
        unit=facts["unit"],
        help=facts["help"].removesuffix(f" [{facts['unit']}]"),
        choices=facts["choices"],
        variants={name: _variant(kind) for name, kind in facts["one_of"].items()},
    )


def _variant(kind: type) -> Variant:
    return Variant(about=first_line(kind), fields=describe_fields(kind))


def first_line(kind: type) -> str:
    """The first line of a class's docstring: what it is, for a form."""
    return (kind.__doc__ or "").strip().partition("\n")[0]
