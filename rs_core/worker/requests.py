"""A request's fields, each checked where it is read: what arrives may be anything."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from rs_core.errors import ParameterError
from rs_core.store import owner_id

_KEY_LIMIT = 200
_SEED_LIMIT = 2**63


class Fields:
    """The fields of one request.

    Every method raises ParameterError, naming the field, where it is missing or of another kind.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, name: str, default: str | None = None, *, limit: int = _KEY_LIMIT) -> str:
        """A text of 1 to `limit` characters."""
        value = self._values.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not value:
            raise _unfit(name, value, "it must be text")
        if len(value) > limit:
            raise ParameterError(f"{name} has {len(value)} characters: the limit is {limit}.")
        return value

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number from 0 to 2^63 - 1."""
        value = self._values.get(name)
        if value is None and default is not None:
            return default
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not 0 <= value < _SEED_LIMIT:
            raise _unfit(name, value, "it must be a whole number from 0 to 2^63 - 1")
        return value

    def maybe_whole(self, name: str) -> int | None:
        """A whole number, or None where the field is left out or null."""
        return None if self._values.get(name) is None else self.whole(name)

    def choice(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of the texts in `choices`."""
        value = self._values.get(name, default)
        if value not in choices:
            raise _unfit(name, value, f"choose one of {', '.join(choices)}")
        return str(value)

    def switch(self, name: str) -> bool | None:
        """True, False, or None for "auto" and for a field left out."""
        value = self._values.get(name)
        if value in (None, "auto"):
            return None
        if not isinstance(value, bool):
            raise _unfit(name, value, 'it must be true, false or "auto"')
        return value

    def data(self, name: str) -> bytes:
        """Bytes that came as base64."""
        value = self._values.get(name)
        if not isinstance(value, str):
            raise _unfit(name, value, "it must be base64 text")
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise _unfit(name, value, "it must be base64 text") from None

    def texts(self, name: str, *, limit: int) -> tuple[str, ...]:
        """1 to `limit` texts of 1 to 200 characters."""
        value = self._values.get(name)
        sound = isinstance(value, list) and all(
            isinstance(item, str) and 0 < len(item) <= _KEY_LIMIT for item in value
        )
        if not sound or not value:
            raise _unfit(name, value, "it must be a list of texts")
        if len(value) > limit:
            raise ParameterError(f"{name} holds {len(value)} texts: the limit is {limit}.")
        return tuple(value)

    def table(self, name: str) -> dict[str, Any]:
        """An object, empty where the field is left out."""
        value = self._values.get(name, {})
        if not isinstance(value, dict):
            raise _unfit(name, value, "it must be an object")
        return value

    def numbers(self, name: str, *, limit: int) -> tuple[float, ...]:
        """1 to `limit` numbers above 0."""
        value = self._values.get(name)
        sound = isinstance(value, list) and all(
            type(item) in (int, float) and 0 < item < 1e6 for item in value
        )
        if not sound or not value:
            raise _unfit(name, value, "it must be a list of numbers above 0")
        if len(value) > limit:
            raise ParameterError(f"{name} holds {len(value)} numbers: the limit is {limit}.")
        return tuple(float(item) for item in value)

    def wholes(self, name: str, *, limit: int) -> tuple[int, ...]:
        """1 to `limit` whole numbers from 0."""
        value = self._values.get(name)
        if not isinstance(value, list) or not all(type(n) is int and n >= 0 for n in value):
            raise _unfit(name, value, "it must be a list of whole numbers from 0")
        if not 1 <= len(value) <= limit:
            raise ParameterError(f"{name} holds {len(value)} numbers: give 1 to {limit}.")
        return tuple(value)

    def raw(self, name: str) -> Any:
        """Whatever stands there."""
        return self._values.get(name)

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None


def owner_of(fields: Fields) -> str:
    """Whose request it is, as the store names owners."""
    return owner_id(fields.text("owner"))


def _unfit(name: str, value: Any, need: str) -> ParameterError:
    if value is None:
        return ParameterError(f"{name} is missing: {need}.")
    return ParameterError(f"{name}={shortened(value)} does not fit: {need}.")


def shortened(value: Any) -> str:
    """A value as text of at most 60 characters, for a message."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
