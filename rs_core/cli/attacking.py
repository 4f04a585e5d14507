"""Attacks on the command line: `--attack NAME` brings its fields, `--selector NAME` too."""

from collections.abc import Iterable, Sequence
from dataclasses import MISSING, field, fields, make_dataclass
from typing import Any, TypeVar, get_type_hints

from rs_core.attacks import ATTACKS, Attack
from rs_core.cli.selecting import Extra, named, selector_of
from rs_core.fields import param
from rs_core.selectors import SELECTORS

C = TypeVar("C")
DEFAULT = "pgd"
ATTACK: Any = param(DEFAULT, help="who looks for adversarial images", choices=tuple(ATTACKS))


def with_attack(cls: type[C], arguments: Sequence[str]) -> type[C]:
    """The command with the fields of the attack, and of the selector, that the words name.

    Raises:
        UnknownNameError: no such attack or selector.
    """
    attack = ATTACKS[named(arguments, "--attack", ATTACKS, DEFAULT)]
    selector = named(arguments, "--selector", SELECTORS, None)
    extra = list(_fields(attack, "", without=("selector",)))
    if selector is not None:
        extra += _fields(SELECTORS[selector], "selector_")
    # A default sigma yields to a selector; one that was typed beside it is refused.
    given = any(word.partition("=")[0] == "--sigma" for word in arguments)
    return make_dataclass(
        cls.__name__, extra, bases=(cls,), frozen=True, kw_only=True,
        namespace={"__doc__": cls.__doc__, "sigma_given": given},
    )  # fmt: skip


def attack_of(command: Any) -> Attack:
    """The attack that a command's fields describe.

    Raises:
        ParameterError: a field is out of range, or sigma and a selector are both given.
    """
    kind = ATTACKS[command.attack]
    own = {f.name: getattr(command, f.name) for f in fields(kind) if f.name != "selector"}
    if command.selector is not None:
        own["selector"] = selector_of(command)
        if not command.sigma_given:
            own["sigma"] = None
    return kind(**own)


def _fields(kind: type, prefix: str, without: Sequence[str] = ()) -> Iterable[Extra]:
    hints = get_type_hints(kind)
    for own in fields(kind):
        if own.name not in without:
            default = own.default if own.default is not MISSING else None
            made = field(default=default, metadata=own.metadata)
            yield prefix + own.name, hints[own.name], made
