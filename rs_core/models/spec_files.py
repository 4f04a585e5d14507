"""The json beside a network's weights: read with suspicion, written in one step."""

import json
import math
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from rs_core.durable import write_durably
from rs_core.errors import ModelFileError
from rs_core.fields import shown
from rs_core.results import ModelSpec, from_json, to_json
from rs_core.strict_json import parse_json

_SIZE_CAP = 1 << 20
_MAX_CHANNELS = 64
_MAX_SIDE = 4096
_MAX_VALUES = 1 << 24  # of one image: 64 MB in float32, and a pass holds several
_MAX_CLASSES = 22_000  # ImageNet-21k has 21,841
_LONGEST_TEXT = 200
_MEANS = (-1e6, 1e6)
_STDS = (1e-6, 1e6)
_SIGMAS = (0.0, 1e6)
_OPTIONS = 1e6
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
    except ValueError as error:
        raise _unfit(path, f"is not json ({shown(str(error))})") from None
    if not isinstance(data, dict):
        raise _unfit(path, "does not hold a json object")
    return data


def _problems(data: dict[str, Any]) -> list[tuple[str, str]]:
    """(key, what it must be) of every field at fault."""
    text = f"it must be text, and not empty, of at most {_LONGEST_TEXT} characters"
    found = [(key, text) for key in _texts_at_fault(data)]
    if problem := _shape_problem(data["input_shape"]):
        found.append(("input_shape", problem))
    if problem := _names_problem(data["class_names"]):
        found.append(("class_names", problem))
    found += [(key, "it must be a json object") for key in _objects_at_fault(data)]
    if not found and not _are_options(data["options"]):
        found.append(("options", f"its numbers must lie within {_OPTIONS:g} of 0"))
    return found + ([] if found else _number_problems(data))


def _number_problems(data: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    channels = data["input_shape"][0]
    for key, (low, high) in (("mean", _MEANS), ("std", _STDS)):
        if not _are_numbers(data[key], low, high) or len(data[key]) not in (0, channels):
            need = f"it must hold {channels} finite numbers, one per channel"
            found.append((key, f"{need}, from {low:g} to {high:g} in pixels of [0,1]"))
    if not found and len(data["mean"]) != len(data["std"]):
        found.append(("std", "mean and std must both be given or both be empty"))
    noise = data["train_sigma"]
    ordered = _are_numbers(noise, *_SIGMAS) and len(noise) == 2 and noise[0] <= noise[1]
    if noise is not None and not ordered:
        low, high = _SIGMAS
        need = f"[smallest, largest], from {low:g} to {high:g}"
        found.append(("train_sigma", f"it must be null or {need}"))
    return found


def _texts_at_fault(data: dict[str, Any]) -> list[str]:
    texts = ("name", "architecture", "weights", "sha256")
    return [k for k in texts if not _is_text(data[k]) or (k in texts[:2] and not data[k].strip())]


def _objects_at_fault(data: dict[str, Any]) -> list[str]:
    return [key for key in ("options", "provenance") if not isinstance(data[key], dict)]


def _shape_problem(value: Any) -> str:
    """What an input shape must be; "" for a fit one."""
    whole = isinstance(value, list) and all(type(item) is int for item in value)
    fits = whole and len(value) == 3 and 1 <= value[0] <= _MAX_CHANNELS
    if not fits or not all(1 <= side <= _MAX_SIDE for side in value[1:]):
        limit = f"1 to {_MAX_CHANNELS} channels, height and width from 1 to {_MAX_SIDE}"
        return f"it must be [channels, height, width]: {limit}"
    values = math.prod(value)
    if values > _MAX_VALUES:
        return f"an image of {values:,} values is too large, the limit is {_MAX_VALUES:,}"
    return ""


def _names_problem(value: Any) -> str:
    """What class names must be; "" for fit ones."""
    listed = isinstance(value, list) and all(_is_text(item) for item in value)
    if not listed or not 2 <= len(value) <= _MAX_CLASSES:
        limit = f"of at most {_LONGEST_TEXT} characters"
        return f"it must list 2 to {_MAX_CLASSES:,} names {limit}, one per class"
    for index, name in enumerate(value):
        if not name.strip():
            return f"class {index} has no name; give each class one"
    repeated = [name for name, count in Counter(value).items() if count > 1]
    if repeated:
        places = [str(index) for index, name in enumerate(value) if name == repeated[0]]
        known = f"{_short(repeated[0])} is the name of classes {' and '.join(places[:3])}"
        return f"{known}; tell them apart, e.g. by their numbers"
    return ""


def _are_numbers(value: Any, low: float, high: float) -> bool:
    # Comparing tells NaN, and takes whole numbers of any size, which float() does not.
    return isinstance(value, list) and all(
        type(item) in (int, float) and low <= item <= high for item in value
    )


def _are_options(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_are_options, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, int | float) or -_OPTIONS <= value <= _OPTIONS


def _is_text(value: Any) -> bool:
    # JSON may hold halves of surrogate pairs, which no page and no log can show.
    short = isinstance(value, str) and len(value) <= _LONGEST_TEXT
    return short and not any("\ud800" <= char <= "\udfff" for char in value)


def _short(value: Any) -> str:
    try:
        text = json.dumps(value, default=shown)
    except (ValueError, RecursionError):  # thousands of digits, or a list that holds itself
        return "a value that cannot be written down"
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
