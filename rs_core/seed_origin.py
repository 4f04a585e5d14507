"""Whether the seed of a result was given by somebody or drawn, said in the result itself.

The probability that a statement is false is over a seed drawn after the image was fixed. A seed
that was known before makes the error a property of the image: about 1 in 1/alpha images has it,
and whoever knows the seed can look for one. So a given seed is named in the sentence.
"""

import dataclasses
import math
from typing import Any, TypeVar, cast

T = TypeVar("T")


def with_seed_origin(result: T, *, given: bool, seed: int | None = None) -> T:
    """The result, in which every part that names a seed says whether that was given.

    Parts that say so already stay as they are. The sentence of a certificate names a given seed.

    Args:
        result: dataclasses, tuples, lists and mappings of such; arrays are left alone.
        given: whether somebody gave the seed; False where it was drawn and nobody knew it.
        seed: of parts that have a place for one and do not name it, as a selection.
    """
    return cast(T, _told(result, given, seed))


def seed_words(seed: int, *, claims: bool) -> str:
    """How a sentence names a given seed; one that `claims` something says what that costs."""
    cost = ": the risk holds for an image that was chosen without it" if claims else ""
    return f"seed {seed} given{cost}"


def _told(value: Any, given: bool, seed: int | None) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _of_dataclass(value, given, seed)
    if isinstance(value, dict):
        told = {name: _told(one, given, seed) for name, one in value.items()}
        return value if all(told[name] is value[name] for name in value) else told
    if isinstance(value, list | tuple):
        parts = [_told(one, given, seed) for one in value]
        if all(new is old for new, old in zip(parts, value, strict=True)):
            return value
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def _of_dataclass(value: Any, given: bool, seed: int | None) -> Any:
    changes: dict[str, Any] = {}
    for own in dataclasses.fields(value):
        if own.init:
            held = getattr(value, own.name)
            new = _told(held, given, seed)
            if new is not held:
                changes[own.name] = new
    if getattr(value, "seed_given", False) is None:
        changes |= _named(value, given, seed)
    return dataclasses.replace(value, **changes) if changes else value


def _named(value: Any, given: bool, seed: int | None) -> dict[str, Any]:
    """What changes in a part that has a place for the seed's origin."""
    named = seed if value.seed is None else value.seed
    if named is None:
        return {}
    changes: dict[str, Any] = {"seed": named, "seed_given": given}
    if given and hasattr(value, "statement"):
        claims = value.predicted is not None and not math.isnan(value.p_lower)
        changes["statement"] = f"{value.statement} \u00b7 {seed_words(named, claims=claims)}"
    return changes
