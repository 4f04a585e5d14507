"""The words after `rs COMMAND`, checked before the parser sees them.

The parser's own complaints are boxes of several lines that name Python's types; these are the
house's one sentence. What passes here and not there is still refused, in the parser's words.
"""

import dataclasses
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rs_core.errors import ParameterError, UnknownNameError


@dataclass(frozen=True)
class Option:
    """One option of a command.

    Fields:
        number: int or float for numbers, bool for a switch, str for everything else.
        many: it takes several values.
        required: it must be given.
        help: what it is, for the sentence that misses it.
        choices: the words that it takes; empty for any.
    """

    number: type
    many: bool
    required: bool
    help: str
    choices: tuple[str, ...] = ()


def checked_arguments(command: type, arguments: Sequence[str]) -> list[str]:
    """The arguments, with whole numbers such as 1e3 written out for int options.

    A command with an attribute `leading` takes that option's value as its first word, too.

    Raises:
        UnknownNameError: no such option.
        ParameterError: a value is missing, too many or no number; or a required option is missing.
    """
    if "-h" in arguments or "--help" in arguments:
        return list(arguments)
    options = options_of(command)
    leading = getattr(command, "leading", None)
    if leading and arguments and not arguments[0].startswith("--"):
        arguments = [f"--{leading}", *arguments]
    checked = checked_words(options, arguments)
    given = {name for name, _ in _groups(arguments)}
    for name, option in options.items():
        if option.required and name not in given:
            raise ParameterError(f"{name} is missing: give it ({option.help}).")
    return checked


def check_once(arguments: Sequence[str]) -> None:
    """Refuse an option that was typed more than once: which one was meant cannot be known.

    Raises:
        ParameterError: names the option.
    """
    typed: dict[str, str] = {}
    for word in arguments:
        if not word.startswith("--"):
            continue
        name = word.partition("=")[0].replace("_", "-")
        key = f"--{name[5:]}" if name.startswith("--no-") else name
        if typed.get(key) == name:
            raise ParameterError(
                f"{name} is given more than once: give it once; one that takes several values "
                "takes them one after the other."
            )
        if key in typed:
            raise ParameterError(f"{typed[key]} and {name} are both given: leave one out.")
        typed[key] = name


def checked_words(options: Mapping[str, Option], arguments: Sequence[str]) -> list[str]:
    """Those of `checked_arguments` whatever is missing; same errors."""
    checked: list[str] = []
    for name, values in _groups(arguments):
        if name not in options:
            known = [option for option in options if not option.startswith("--no-")]
            raise UnknownNameError("option", name, known)
        checked += [name, *_values(name, options[name], values)]
    return checked


def options_of(command: type) -> dict[str, Option]:
    """Every option of a command by name, with its two dashes."""
    return dict(_options(command))


def _options(command: type) -> Iterator[tuple[str, Option]]:
    """Every option by name, those of nested dataclasses too, as the parser names them."""
    hints = typing.get_type_hints(command)
    for field in dataclasses.fields(command):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from _options(hint)
            continue
        name = f"--{field.name.replace('_', '-')}"
        text = str(field.metadata.get("help", "see --help"))
        missing = dataclasses.MISSING
        required = field.default is missing and field.default_factory is missing
        choices = tuple(field.metadata.get("choices", ()))
        yield name, Option(_number(hint), "tuple" in str(hint), required, text, choices)
        if hint is bool:
            yield f"--no-{name[2:]}", Option(bool, False, False, text)


def _number(hint: object) -> type:
    inner = {hint, *typing.get_args(hint)}
    inner |= {part for outer in typing.get_args(hint) for part in typing.get_args(outer)}
    return next((kind for kind in (bool, int, float) if kind in inner), str)


def _groups(arguments: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each option as written in full, with the words up to the next one."""
    name, values = "", list[str]()
    for word in arguments:
        if not word.startswith("--"):
            if not name:
                raise ParameterError(
                    f"{word!r} stands alone: write --NAME VALUE (see --help for the names)."
                )
            values.append(word)
            continue
        if name:
            yield name, values
        name, equals, value = word.partition("=")
        name, values = name.replace("_", "-"), [value] if equals else []
    if name:
        yield name, values


def _values(name: str, option: Option, values: list[str]) -> list[str]:
    if option.number is bool:
        if values:
            raise ParameterError(f"{name} takes no value, not {values[0]!r}: leave the value out.")
        return []
    if not values:
        raise ParameterError(f"{name} has no value: give one ({option.help}).")
    if len(values) > 1 and not option.many:
        raise ParameterError(f"{name} takes one value, not {len(values)}: leave out {values[1]!r}.")
    if values == ["None"]:
        return values
    if option.choices and values[0] not in option.choices:
        known = ", ".join(option.choices)
        raise ParameterError(f"{name} {values[0]!r} is not known: choose one of {known}.")
    if option.number is str:
        return values
    return [_numeral(name, option, value) for value in values]


def _numeral(name: str, option: Option, value: str) -> str:
    kind = "whole number" if option.number is int else "number"
    try:
        if option.number is float:
            return repr(_real(value))
        return str(int(value)) if value.lstrip("+-").isdecimal() else _whole(value)
    except (ValueError, OverflowError, ZeroDivisionError):
        raise ParameterError(
            f"{name} {value!r} is not a {kind}: give one, e.g. "
            f"{'1000 or 1e3' if option.number is int else '0.5 or 8/255'} ({option.help})."
        ) from None


def _real(value: str) -> float:
    """A number, or a fraction as papers write radii: 8/255."""
    over, slash, under = value.partition("/")
    return float(over) / float(under) if slash else float(value)


def _whole(value: str) -> str:
    number = float(value)
    if number != int(number):
        raise ValueError(value)
    return str(int(number))
