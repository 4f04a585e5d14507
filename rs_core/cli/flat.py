"""Settings that nest as flat options of a command: `--per-image insta --per-image-levels 4`."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, field, make_dataclass
from typing import Any, get_type_hints

from rs_core.errors import UnknownNameError
from rs_core.fields import NAME, variant


def flat_class(kind: type, arguments: Sequence[str]) -> type:
    """A dataclass with a kind's fields; it checks nothing.

    A field that holds one of several dataclasses becomes the name of one, and the fields of the
    one that the arguments name, behind the field's own name.

    Raises:
        UnknownNameError: an argument names none of them.
    """
    return make_dataclass(
        kind.__name__, list(_flat_fields(kind, arguments, "")), frozen=True, kw_only=True,
        namespace={"__doc__": kind.__doc__},
    )  # fmt: skip


def built(kind: type, options: Any) -> Any:
    """The dataclass that an instance of its `flat_class` stands for.

    Raises:
        ParameterError: a setting is out of its range.
    """
    return kind(**_nested(kind, options, ""))


def flattened(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by option, where nested ones are {"name": ..., **settings}."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and NAME in value:
            found[prefix + name] = value[NAME]
            own = {key: one for key, one in value.items() if key != NAME}
            found |= flattened(own, f"{prefix}{name}_")
        else:
            found[prefix + name] = value
    return found


def named(arguments: Sequence[str], option: str) -> str | None:
    """The value that the last `option` among the words has; None where it is not there."""
    name = None
    for index, word in enumerate(arguments):
        if word.startswith(f"{option}="):
            name = word.partition("=")[2]
        elif word == option and index + 1 < len(arguments):
            name = arguments[index + 1]
    return name


def _flat_fields(
    kind: type, arguments: Sequence[str], prefix: str
) -> Iterator[tuple[str, Any, Any]]:
    hints = get_type_hints(kind)
    for own in dataclasses.fields(kind):
        name, known = prefix + own.name, own.metadata.get("one_of")
        default = own.default if own.default is not MISSING else None
        if not known:
            yield name, hints[own.name], field(default=default, metadata=own.metadata)
            continue
        said = f"{own.metadata['help']}: {', '.join(known)}"
        choice = {**own.metadata, "choices": tuple(known), "one_of": {}, "help": said}
        yield name, str | None, field(default=default, metadata=choice)
        chosen = named(arguments, f"--{name.replace('_', '-')}")
        if chosen in (None, str(None)):
            continue
        if chosen not in known:
            raise UnknownNameError(own.name, str(chosen), known)
        yield from _flat_fields(known[chosen], arguments, f"{name}_")


def _nested(kind: type, options: Any, prefix: str) -> dict[str, Any]:
    """The fields of a kind by name, nested ones built."""
    found = {}
    for own in dataclasses.fields(kind):
        name, known = prefix + own.name, own.metadata.get("one_of")
        value = getattr(options, name)
        if known and value is not None:
            settings = _nested(known[value], options, f"{name}_")
            value = variant(own.name, known, {NAME: value, **settings})
        found[own.name] = value
    return found
