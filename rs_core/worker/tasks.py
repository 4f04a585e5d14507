"""The questions that a run can ask, built from JSON values with every field checked."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from rs_core import __version__
from rs_core.errors import ParameterError
from rs_core.fields import FieldDescription, describe_fields
from rs_core.results import to_json
from rs_core.smoothing import Certify, Predict, Sweep
from rs_core.worker.requests import shortened

Task = Sweep | Certify | Predict
TASKS: dict[str, type[Sweep] | type[Certify] | type[Predict]] = {
    "sweep": Sweep,
    "certify": Certify,
    "predict": Predict,
}
# A step covers every sigma at once; more of them would make other people wait too long.
MAX_SIGMAS = 100


def build_task(kind: str, config: Mapping[str, Any], num_classes: int) -> Task:
    """The checked task of a kind; settings left out have their defaults.

    Raises:
        ParameterError: an unknown setting, a value of another kind or out of its range, or an n
            that could never certify anything.
    """
    known = {facts.name: facts for facts in describe_fields(TASKS[kind])}
    unknown = [str(name) for name in config if name not in known]
    if unknown:
        raise ParameterError(
            f"{shortened(unknown[0])} is no setting of {kind}: it has {', '.join(known)}."
        )
    missing = [n for n, facts in known.items() if facts.required and config.get(n) is None]
    if missing:
        raise ParameterError(f"{missing[0]} is missing: {kind} needs {known[missing[0]].help}.")
    task = TASKS[kind](**{name: _value(known[name], value) for name, value in config.items()})
    _hold_cost(task, num_classes)
    return task


def risk_of(task: Task) -> float:
    """The probability, at most, that some statement of the task's answer is false."""
    if not isinstance(task, Sweep):
        return task.alpha
    curve = task.alpha if task.simultaneous else task.alpha * len(task.sigmas)
    return curve + task.alpha * task.recertify


def content_key(parts: Mapping[str, Any]) -> str:
    """32 hex digits of everything that decides a result: the same question has the same key."""
    text = json.dumps({**parts, "version": __version__}, sort_keys=True, allow_nan=False)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def config_of(task: Task) -> dict[str, Any]:
    """All settings of a task, as JSON values that `build_task` takes."""
    found: dict[str, Any] = to_json(task)
    return found


def _hold_cost(task: Task, num_classes: int) -> None:
    if isinstance(task, Sweep):
        if len(task.sigmas) > MAX_SIGMAS:
            raise ParameterError(
                f"sigmas holds {len(task.sigmas)} noise levels: the limit is {MAX_SIGMAS}."
            )
        task.check_n(task.point_alpha, num_classes)
    elif isinstance(task, Certify):
        task.check_n(task.alpha, num_classes)


def _value(facts: FieldDescription, value: Any) -> Any:
    """A JSON value as the field takes it; ranges are held by the dataclass."""
    if facts.kind == "bool":
        if not isinstance(value, bool):
            raise ParameterError(f"{facts.name}={shortened(value)} must be true or false.")
        return value
    if facts.kind == "int":
        return _whole(_number(facts.name, value))
    if facts.kind == "float":
        return _number(facts.name, value)
    if facts.kind == "floats":
        if not isinstance(value, list):
            raise ParameterError(f"{facts.name}={shortened(value)} must be a list of numbers.")
        return tuple(_number(facts.name, item) for item in value)
    if not isinstance(value, str):
        raise ParameterError(f"{facts.name}={shortened(value)} must be text.")
    return value


def _number(name: str, value: Any) -> float | int:
    if type(value) not in (int, float):
        raise ParameterError(f"{name}={shortened(value)} is not a number: give one.")
    number: float | int = value
    return number


def _whole(number: float | int) -> float | int:
    return int(number) if isinstance(number, float) and number.is_integer() else number
