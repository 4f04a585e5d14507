"""Networks that pick sigma: how their classes are named, and so told from others."""

from collections.abc import Sequence

_NAMED = "sigma "


def picker_classes(sigmas: Sequence[float]) -> tuple[str, ...]:
    """Names of a picker's classes, one for each sigma, pixels of [0,1], in their order."""
    return tuple(f"{_NAMED}{sigma:g}" for sigma in sigmas)


def is_picker(class_names: Sequence[str]) -> bool:
    """Whether classes are those of a network that picks sigma."""
    return bool(class_names) and all(name.startswith(_NAMED) for name in class_names)
