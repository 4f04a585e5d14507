"""A frozen allocation on disk: written once and whole, sealed, and looked at again when read."""

import json
import os
from dataclasses import dataclass, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

from rs_core.classifiers import Classifier
from rs_core.durable import write_durably
from rs_core.errors import ParameterError, StoreError
from rs_core.fields import shown
from rs_core.guarantees.regions.allocation import Allocation
from rs_core.results import from_json, to_json
from rs_core.strict_json import parse_json

FORMAT = "rs-lab regions"
VERSION = 2
_UNBACKED = 1  # the version whose points have no certificates beside them


@dataclass(frozen=True, eq=False, kw_only=True)
class AllocationRecord:
    """An allocation and what its readers need besides.

    Fields:
        allocation: what holds.
        unfinished: what the linear programme had when it stopped early; it holds nothing.
        network: name of the network.
        prepared: what its answers depend on besides the weights, in words.
        class_names: one per logit.
        names, statements: one per point of the allocation.
        degrees: how many other Monte Carlo balls each point's own ball met.
        notes: of the images.
        settings: selector, guarantee and seed, as text by name.
        program: what wrote it.
    """

    allocation: Allocation
    unfinished: Allocation | None
    network: str
    prepared: str
    class_names: tuple[str, ...]
    names: tuple[str, ...]
    statements: tuple[str, ...]
    degrees: tuple[int, ...]
    notes: tuple[str, ...]
    settings: dict[str, str]
    program: str

    def __post_init__(self) -> None:
        count = len(self.allocation.digests)
        if not all(len(row) == count for row in (self.names, self.statements, self.degrees)):
            raise ParameterError(f"{count} points need as many names, statements and degrees.")

    def hold(self, classifier: Classifier) -> None:
        """Refuse a network that is not the one whose answers were frozen.

        Raises:
            ParameterError: says what differs.
        """
        mine, its = classifier.weights_id, self.allocation.weights_id
        if mine != its:
            raise ParameterError(
                f"this allocation was frozen for {shown(self.network)} (weights {shown(its)}), and "
                f"{classifier.spec.name} has weights {mine}: give the network it was frozen for."
            )
        if prepared(classifier) != self.prepared:
            raise ParameterError(
                f"this allocation was frozen with {shown(self.prepared)}, and this run has "
                f"{prepared(classifier)}: its answers may differ; use the same settings."
            )


def prepared(classifier: Classifier) -> str:
    """What a network's answers depend on besides its weights."""
    spec = classifier.spec
    shape = "x".join(map(str, spec.input_shape))
    place = f"{classifier.precision} on {classifier.device.type}"
    return f"{place} {shape} mean {list(spec.mean)} std {list(spec.std)}"


def write_allocation(path: Path, record: AllocationRecord) -> None:
    """Write a new file; the record is there as a whole or not at all.

    Raises:
        StoreError: something is there already, or the file cannot be written.
    """
    check_absent(path)
    try:
        write_durably(path, json.dumps(sealed(record)).encode())
    except OSError as error:
        raise StoreError(
            f"{path.name} cannot be written ({error.strerror}): name a file in a folder that may "
            "be written to."
        ) from error


def sealed(record: AllocationRecord) -> dict[str, Any]:
    """The content of a file, as JSON values."""
    version = VERSION if record.allocation.backings else _UNBACKED
    content = {"format": FORMAT, "version": version, **to_json(record)}
    return content | {"seal": _seal(content)}


def check_absent(path: Path) -> None:
    """Refuse a path at which there is something: answers of that file may have been given.

    Raises:
        StoreError: something is there.
    """
    if os.path.lexists(path):
        raise StoreError(
            f"{path.name or path} exists, and certificates may rest on it: name a file that does "
            "not."
        )


def read_allocation(path: Path) -> AllocationRecord:
    """The record as it was written; its seal, its hash and its shapes are looked at.

    A seal tells a changed file, not a forged one: whoever makes a file can seal it, which is why
    `Allocation.check` looks at the regions themselves.

    Raises:
        StoreError: the file is missing, foreign, cut off, changed, or of another version.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"{path.name or path} cannot be read ({error.strerror}): give a file that rs regions "
            "allocate wrote."
        ) from error
    try:
        content = parse_json(raw)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise StoreError(
            f"{path.name} is no frozen allocation, or was cut off: give a file that rs regions "
            "allocate wrote, whole."
        )
    if content.get("version") not in (_UNBACKED, VERSION):
        raise StoreError(
            f"{path.name} has version {shown(content.get('version'))} and this program reads "
            f"up to {VERSION}: use the program that wrote it."
        )
    return _record(path, content)


def _record(path: Path, content: dict[str, Any]) -> AllocationRecord:
    said = content.pop("seal", None)
    wanted = {"format", "version", *(field.name for field in fields(AllocationRecord))}
    reason = "its seal is that of other content"
    if said == _seal(content) and content.keys() == wanted:
        try:
            record = from_json(AllocationRecord, content)
            if bool(record.allocation.backings) == (content["version"] == VERSION):
                return record
            reason = "its points lack their certificates, or have them under an older version"
        except ParameterError as error:
            reason = str(error).rstrip(".")
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            reason = f"a field is not what it should be: {shown(error)}"
    raise StoreError(
        f"{path.name} was changed after it was frozen ({reason}): use the original file."
    )


def _seal(content: dict[str, Any]) -> str:
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return blake2b(plain.encode(), digest_size=16).hexdigest()
