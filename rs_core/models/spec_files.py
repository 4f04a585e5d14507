"""The json beside a network's weights: read with suspicion, written in one step."""

import json
import math
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from rs_core.durable import write_durably
from rs_core.errors import ModelFileError
from rs_core.fields import shown
from rs_core.results import ModelSpec, from_json, parse_json, to_json

_SIZE_CAP = 1 << 20
_MAX_CHANNELS = 64
_MAX_SIDE = 4096
_MAX_CLASSES = 100_000
_SEQUENCES = ("input_shape", "class_names", "mean", "std", "train_sigma")
_REQUIRED = tuple(ModelSpec.__dataclass_fields__)


def write_spec(spec: ModelSpec, path: Path) -> None:
    """The spec as a json file, durable when this returns."""
    write_durably(path, (json.dumps(to_json(spec), indent=2) + "\n").encode())


def read_spec_file(path: Path) -> ModelSpec:
    """A spec whose every field has been checked.

    Raises:
        ModelFileError: the file is missing, no json, lacks keys, or contradicts itself.
    """
    data = _read_object(path)
    missing = [key for key in _REQUIRED if key not in data]
    if missing:
        raise _unfit(path, f"lacks {', '.join(missing)}")
    for key, problem in _problems(data):
        raise _unfit(path, f"has {key}={_short(data[key])}: {problem}")
    return from_json(ModelSpec, data)


def check_spec(spec: ModelSpec) -> ModelSpec:
    """A spec made in Python, held to the rules of a spec read from a file.

    Lists, arrays and tensors among its fields become tuples.

    Raises:
        ModelFileError: it is no spec, or a field contradicts the others or itself.
    """
    if not isinstance(spec, ModelSpec):
        raise ModelFileError(f"spec={shown(spec)} is no ModelSpec: describe the network with one.")
    data = {field.name: _plain(getattr(spec, field.name)) for field in fields(spec)}
    for key, problem in _problems(data):
        name = spec.name if isinstance(spec.name, str) and spec.name else "the network"
        raise ModelFileError(f"{name}: its spec has {key}={_short(data[key])}: {problem}.")
    return replace(spec, **{key: _tupled(data[key]) for key in _SEQUENCES})


def _read_object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ModelFileError(
            f"{path.name} is missing: a model is two files, NAME.safetensors and NAME.json; "
            "put both into one folder."
        )
    if path.stat().st_size > _SIZE_CAP:
        raise _unfit(path, "is larger than 1 MB")
    try:
        data = parse_json(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _unfit(path, f"is not json ({shown(str(error))})") from None
    if not isinstance(data, dict):
        raise _unfit(path, "does not hold a json object")
    return data


def _problems(data: dict[str, Any]) -> list[tuple[str, str]]:
    """(key, what it must be) of every field at fault."""
    found = [(key, "it must be text, and not empty") for key in _texts_at_fault(data)]
    if not _is_shape(data["input_shape"]):
        limit = f"1 to {_MAX_CHANNELS} channels, height and width from 1 to {_MAX_SIDE}"
        found.append(("input_shape", f"it must be [channels, height, width]: {limit}"))
    names = data["class_names"]
    if not _is_list(names, str) or not 2 <= len(names) <= _MAX_CLASSES:
        found.append(("class_names", f"it must list 2 to {_MAX_CLASSES} names, one per class"))
    found += [(key, "it must be a json object") for key in _objects_at_fault(data)]
    return found + ([] if found else _number_problems(data))


def _number_problems(data: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    channels = data["input_shape"][0]
    for key in ("mean", "std"):
        if not _is_list(data[key], float) or len(data[key]) not in (0, channels):
            found.append((key, f"it must hold {channels} finite numbers, one per channel"))
    if not found and len(data["mean"]) != len(data["std"]):
        found.append(("std", "mean and std must both be given or both be empty"))
    if not found and any(value <= 0 for value in data["std"]):
        found.append(("std", "every value must be above 0"))
    noise = data["train_sigma"]
    ordered = _is_list(noise, float) and len(noise) == 2 and 0 <= noise[0] <= noise[1]
    if noise is not None and not ordered:
        found.append(("train_sigma", "it must be null or [smallest, largest]"))
    return found


def _texts_at_fault(data: dict[str, Any]) -> list[str]:
    texts = ("name", "architecture", "weights", "sha256")
    return [k for k in texts if not _is_text(data[k]) or (k in texts[:2] and not data[k])]


def _objects_at_fault(data: dict[str, Any]) -> list[str]:
    return [key for key in ("options", "provenance") if not isinstance(data[key], dict)]


def _is_shape(value: Any) -> bool:
    whole = isinstance(value, list) and all(type(item) is int for item in value)
    if not whole or len(value) != 3:
        return False
    return 1 <= value[0] <= _MAX_CHANNELS and all(1 <= side <= _MAX_SIDE for side in value[1:])


def _is_list(value: Any, kind: type) -> bool:
    if not isinstance(value, list):
        return False
    if kind is str:
        return all(_is_text(item) for item in value)
    return all(type(item) in (int, float) and math.isfinite(item) for item in value)


def _is_text(value: Any) -> bool:
    # JSON may hold halves of surrogate pairs, which no page and no log can show.
    return isinstance(value, str) and not any("\ud800" <= char <= "\udfff" for char in value)


def _short(value: Any) -> str:
    text = json.dumps(value, default=shown)
    return text if len(text) <= 60 else text[:57] + "..."


def _plain(value: Any) -> Any:
    """Tuples, arrays and tensors as the lists that a json file would hold."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _unfit(path: Path, problem: str) -> ModelFileError:
    return ModelFileError(f"{path.name} {problem}; take the json that was saved with the weights.")
