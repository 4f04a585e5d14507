"""The JSON files of the run store: sealed by a checksum, and read by this module alone."""

import json
import math
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from rs_core.durable import write_durably
from rs_core.errors import DamagedError

_HEAD, _MIDDLE, _TAIL = b'{"sha256": "', b'", "content": ', b"}"
_START = len(_HEAD) + 64 + len(_MIDDLE)
_LARGEST = 1e300
Check = Callable[[Any], bool]


class Document(NamedTuple):
    """What a file holds, and whether a checksum vouches for it (older versions wrote none)."""

    content: Any
    sealed: bool


def sealed(content: Any, *, allow_nan: bool = True) -> bytes:
    """A JSON value and its checksum as the bytes of a file, which is JSON itself."""
    body = json.dumps(content, allow_nan=allow_nan).encode()
    return _HEAD + sha256(body).hexdigest().encode() + _MIDDLE + body + _TAIL


def write_document(path: Path, content: Any) -> None:
    """Keep a JSON value durably, readable by the user alone; raises OSError."""
    write_durably(path, sealed(content), private=True)


def read_document(path: Path, *, must_be_sealed: bool = False) -> Document:
    """What a file holds.

    Args:
        path: of the file.
        must_be_sealed: whether a file without checksum, as older versions wrote it, is refused.

    Raises:
        DamagedError: it was changed since it was written, or holds no JSON that can be read.
        OSError: it is not there, or the disk refuses.
    """
    raw = path.read_bytes()
    has_seal = raw.startswith(_HEAD)
    if has_seal:
        body = raw[_START : -len(_TAIL)]
        if raw != _HEAD + sha256(body).hexdigest().encode() + _MIDDLE + body + _TAIL:
            raise DamagedError(f"{path.name} does not match its checksum")
    elif must_be_sealed:
        raise DamagedError(f"{path.name} has lost its checksum")
    else:
        body = raw
    try:
        return Document(json.loads(body), has_seal)
    except (ValueError, RecursionError, MemoryError):
        raise DamagedError(f"{path.name} holds no JSON that can be read") from None


def check_fields(content: Any, checks: Mapping[str, Check], name: str, *, all_of: bool) -> None:
    """Refuse what is no object of exactly these fields, each of its kind.

    Args:
        content: a JSON value.
        checks: what each field must be.
        name: of the file, for the message.
        all_of: whether every field must be there.

    Raises:
        DamagedError: names the file and the field.
    """
    if not isinstance(content, dict):
        raise DamagedError(f"{name} holds no object")
    for field in content.keys() - checks.keys():
        raise DamagedError(f"{name} has a field of another program, {field[:40]!r}")
    for field, fits in checks.items():
        if (all_of or field in content) and not (field in content and fits(content[field])):
            raise DamagedError(f"{name} has no sound {field}")


def is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number, and none that a float or a table cannot hold."""
    return type(value) in (int, float) and abs(value) < _LARGEST and math.isfinite(value)


def is_count(value: Any) -> bool:
    """Whether a JSON value is a whole number from 0 to 2^63 - 1."""
    return type(value) is int and 0 <= value < 2**63


def is_text(value: Any) -> bool:
    """Whether a JSON value is text that can be written in UTF-8."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def or_none(fits: Check) -> Check:
    """A check that null passes too."""
    return lambda value: value is None or fits(value)
