"""Selectors and guarantees by name and settings, as a request may give them.

What a stranger asks for never names a file: folders and paths of the engine's own settings are
no settings here, and reference images must come along.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rs_core.datasets import DATASETS
from rs_core.errors import UnknownNameError
from rs_core.fields import FieldDescription, describe_fields
from rs_core.guarantees import GUARANTEES, Guarantee
from rs_core.selectors import SELECTORS, Selector
from rs_core.worker.settings import built

_FILES = ("folder", "path", "policy")
_REFERENCE = "mnist5k"  # a request that names no reference images


def selector_fields(name: str) -> tuple[FieldDescription, ...]:
    """What may be set of a selector.

    Raises:
        UnknownNameError: no such selector.
    """
    if name not in SELECTORS:
        raise UnknownNameError("selector", name[:40], SELECTORS)
    return _without_files(SELECTORS[name])


def guarantee_fields(name: str) -> tuple[FieldDescription, ...]:
    """What may be set of a guarantee.

    Raises:
        UnknownNameError: no such guarantee.
    """
    if name not in GUARANTEES:
        raise UnknownNameError("guarantee", name[:40], GUARANTEES)
    return _without_files(GUARANTEES[name])


def selector_of(name: str, settings: Mapping[str, Any]) -> Selector:
    """The selector with these settings, JSON values by field.

    Raises:
        UnknownNameError: no such selector.
        ParameterError: a setting is unknown, of another kind, or out of its range.
    """
    fields = selector_fields(name)
    also = {"dataset": _REFERENCE} if any(facts.name == "dataset" for facts in fields) else {}
    return built(SELECTORS[name], settings, name, fields=fields, also=also)


def guarantee_of(name: str, settings: Mapping[str, Any]) -> Guarantee:
    """The guarantee with these settings, JSON values by field.

    Raises:
        UnknownNameError: no such guarantee.
        ParameterError: a setting is unknown, of another kind, or out of its range.
    """
    fields = guarantee_fields(name)
    return built(GUARANTEES[name], settings, name, fields=fields)


def _without_files(kind: type) -> tuple[FieldDescription, ...]:
    along = tuple(name for name, facts in DATASETS.items() if facts.bundled)
    return tuple(
        replace(facts, choices=along, default=_REFERENCE) if facts.name == "dataset" else facts
        for facts in describe_fields(kind)
        if facts.name not in _FILES
    )
