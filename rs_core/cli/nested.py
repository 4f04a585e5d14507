"""Commands whose options depend on the words after them: `--selector NAME` brings its fields."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, field, fields, make_dataclass
from typing import Any, TypeVar, get_type_hints

from rs_core.attacks import ATTACKS, Attack
from rs_core.classifiers import Classifier
from rs_core.errors import ParameterError, UnknownNameError
from rs_core.experiments import Pair
from rs_core.fields import param
from rs_core.guarantees import Guarantee
from rs_core.images import ImageInput
from rs_core.selectors import SELECTORS, Selector

_PREFIX, _PRESET = "selector_", "selector_preset"
_IN_PYTHON = {
    "network": "rs_core.selectors.FromNetwork(network=...)",
    "sigma_classifier": "rs_core.selectors.SigmaClassifier(network=...)",
    "dual_rs": "rs_core.guarantees.DualRS(picker=...)",
    "dual": "rs_core.guarantees.Dual(network=...)",
    "dual_published": "rs_core.guarantees.PublishedDual(network=...)",
}
Extra = tuple[str, Any, Any]
C = TypeVar("C")

SELECTOR: Any = param("multistart", help="who picks sigma", choices=tuple(SELECTORS))


def named(arguments: Sequence[str], option: str, known: dict[str, Any], default: str | None) -> Any:
    """The value that the last `option` among the words has.

    Raises:
        UnknownNameError: it is not among those known.
        ParameterError: it is one that only Python has.
    """
    name = default
    for index, word in enumerate(arguments):
        if word.startswith(f"{option}="):
            name = word.partition("=")[2]
        elif word == option and index + 1 < len(arguments):
            name = arguments[index + 1]
    if name in _IN_PYTHON and name not in known:
        raise ParameterError(
            f"{option} {name} needs a network that answers with sigma, which no command can name: "
            f"use it from Python, {_IN_PYTHON[name]}."
        )
    if name is not None and name not in known:
        raise UnknownNameError(option.removeprefix("--"), name, known)
    return name


def with_selector(cls: type[C], arguments: Sequence[str], extra: Iterable[Extra] = ()) -> type[C]:
    """The command with the fields of the selector that the words name, and extra ones."""
    kind = SELECTORS[named(arguments, "--selector", SELECTORS, "multistart")]
    preset = named(arguments, "--selector-preset", dict(kind.presets), None)
    return make_dataclass(
        cls.__name__, [*_fields(kind, preset), *extra], bases=(cls,), frozen=True, kw_only=True,
        namespace={"__doc__": cls.__doc__},
    )  # fmt: skip


def selector_of(command: Any) -> Selector:
    """The selector that a command's fields describe."""
    own = {
        name: value
        for name, value in vars(command).items()
        if name.startswith(_PREFIX) and name != _PRESET
    }
    return SELECTORS[command.selector](**{n.removeprefix(_PREFIX): v for n, v in own.items()})


def paired(selector: Selector, guarantee: Guarantee, *, declared: bool) -> Guarantee:
    """The guarantee, if it can hold for this selector whatever that answers.

    Args:
        declared: whether somebody named the sigmas of grid_minimum or cascade; by default they
            follow from what the selector can answer.

    Raises:
        ParameterError: it cannot, e.g. because the selector can leave the declared range.
    """
    own = guarantee if declared else guarantee.declaring(selector.possible_sigmas)
    return Pair(selector, own).guarantee


def check_possible(
    selector: Selector,
    guarantee: Guarantee | None,
    classifier: Classifier,
    images: Sequence[ImageInput],
) -> None:
    """Refuse, before anything is drawn, what one of the two could not do with these images.

    Raises:
        ParameterError: an n that can never certify, or images that the selector cannot take.
    """
    selector.check(classifier, images)
    if guarantee is not None:
        different = len({image.digest for image in images})
        guarantee.check_n(guarantee.level(different))


def _fields(kind: type[Selector], preset: str | None) -> Iterable[Extra]:
    """The selector's fields, at the preset's values, which other options may change."""
    hints = get_type_hints(kind)
    if kind.presets:
        words = "; ".join(f"{name}: {_said(values)}" for name, values in kind.presets.items())
        help = f"settings by name, before all others: {words}"
        yield _PRESET, str | None, param(None, help=help, choices=tuple(kind.presets))
    values = kind.presets[preset] if preset else {}
    for own in fields(kind):
        default = values.get(own.name, own.default if own.default is not MISSING else None)
        yield _PREFIX + own.name, hints[own.name], field(default=default, metadata=own.metadata)


def _said(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items())


DEFAULT = "pgd"
ATTACK: Any = param(DEFAULT, help="who looks for adversarial images", choices=tuple(ATTACKS))


def with_attack(cls: type[C], arguments: Sequence[str]) -> type[C]:
    """The command with the fields of the attack, and of the selector, that the words name.

    Raises:
        UnknownNameError: no such attack or selector.
    """
    attack = ATTACKS[named(arguments, "--attack", ATTACKS, DEFAULT)]
    selector = named(arguments, "--selector", SELECTORS, None)
    extra = list(_prefixed(attack, "", without=("selector",)))
    if selector is not None:
        extra += _prefixed(SELECTORS[selector], "selector_")
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


def _prefixed(kind: type, prefix: str, without: Sequence[str] = ()) -> Iterable[Extra]:
    """The fields of an attack or a selector, their names behind a prefix."""
    hints = get_type_hints(kind)
    for own in fields(kind):
        if own.name not in without:
            default = own.default if own.default is not MISSING else None
            made = field(default=default, metadata=own.metadata)
            yield prefix + own.name, hints[own.name], made
