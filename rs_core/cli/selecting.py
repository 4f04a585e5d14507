"""Commands whose options depend on the words after them: `--selector NAME` brings its fields."""

from collections.abc import Iterable, Sequence
from dataclasses import MISSING, field, fields, make_dataclass
from typing import Any, TypeVar, get_type_hints

from rs_core.errors import UnknownNameError
from rs_core.fields import param
from rs_core.selectors import SELECTORS, Selector

_PREFIX = "selector_"
Extra = tuple[str, Any, Any]
C = TypeVar("C")

SELECTOR: Any = param("multistart", help="who picks sigma", choices=tuple(SELECTORS))


def named(arguments: Sequence[str], option: str, known: dict[str, Any], default: str | None) -> Any:
    """The value that the last `option` among the words has.

    Raises:
        UnknownNameError: it is not among those known.
    """
    name = default
    for index, word in enumerate(arguments):
        if word.startswith(f"{option}="):
            name = word.partition("=")[2]
        elif word == option and index + 1 < len(arguments):
            name = arguments[index + 1]
    if name is not None and name not in known:
        raise UnknownNameError(option.removeprefix("--"), name, known)
    return name


def with_selector(cls: type[C], arguments: Sequence[str], extra: Iterable[Extra] = ()) -> type[C]:
    """The command with the fields of the selector that the words name, and extra ones."""
    kind = SELECTORS[named(arguments, "--selector", SELECTORS, "multistart")]
    return make_dataclass(
        cls.__name__, [*_fields(kind), *extra], bases=(cls,), frozen=True, kw_only=True,
        namespace={"__doc__": cls.__doc__},
    )  # fmt: skip


def selector_of(command: Any) -> Selector:
    """The selector that a command's fields describe."""
    own = {name: value for name, value in vars(command).items() if name.startswith(_PREFIX)}
    return SELECTORS[command.selector](**{n.removeprefix(_PREFIX): v for n, v in own.items()})


def _fields(kind: type[Selector]) -> Iterable[Extra]:
    hints = get_type_hints(kind)
    for own in fields(kind):
        default = own.default if own.default is not MISSING else None
        yield _PREFIX + own.name, hints[own.name], field(default=default, metadata=own.metadata)
