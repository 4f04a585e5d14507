"""The words after `rs train`, with --preset, --config and --resume RUN written out as options.

Later words win, so the order is preset, config file, command line. Everything else, the checks
of names and values too, is then the command line's.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rs_core.cli.arguments import Option, options_of
from rs_core.durable import write_durably
from rs_core.errors import CheckpointError, ParameterError, UnknownNameError
from rs_core.training import PRESETS

RECORD = "command.json"
FOLDER_SUFFIX = "-checkpoint"
_CAP = 1 << 20
_NOT_IN_CONFIG = ("config", "resume", "json")


def written_out(command: Any, arguments: Sequence[str]) -> list[str]:
    """The words that the arguments stand for.

    Args:
        command: the class of `rs train`; its `for_arguments` knows a recipe's options.
        arguments: as typed.

    Raises:
        UnknownNameError: a preset or a key of the config file that does not exist; names the
            nearest one.
        ParameterError: the config file cannot be read, or a value cannot be an option's.
        CheckpointError: --resume names no training.
    """
    words, resumed = _without(list(arguments), "--resume", bare=True)
    words, config = _without(words, "--config")
    words, preset = _without(words, "--preset")
    settings = {} if config is None else _read(Path(config))
    if "preset" in settings and preset is None:
        preset = settings.pop("preset")
    recipe = _value(words, "--recipe") or settings.get("recipe")
    before: list[str] = []
    if preset is not None:
        before += _preset_words(preset, recipe)
        recipe = recipe or PRESETS[preset].name
    if settings:
        known = options_of(command.for_arguments(["--recipe", str(recipe or "gaussian")]))
        before += _config_words(settings, known)
    words = [*before, *words]
    if resumed is None:
        return words
    return [*_recorded(Path(resumed)), *words, "--resume"] if resumed else [*words, "--resume"]


def record(folder: Path, words: dict[str, Any]) -> None:
    """Write the settings of a training beside its checkpoint, for --resume and `rs export`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / RECORD, (json.dumps(words, indent=2) + "\n").encode())


def _recorded(run: Path) -> list[str]:
    """The options with which a training was started, for the folder where it lies now."""
    path = run / RECORD
    if not path.is_file() or not run.name.endswith(FOLDER_SUFFIX):
        raise CheckpointError(
            f"{run} holds no training: give the folder NAME{FOLDER_SUFFIX} that rs train made."
        )
    try:
        options = json.loads(path.read_bytes())
        words = [word for name, value in options.items() for word in _words(name, value)]
    except (ValueError, AttributeError, OSError):
        raise CheckpointError(
            f"{path} is damaged: resume with the options of the training and --resume alone."
        ) from None
    run = run.resolve()
    name = run.name.removesuffix(FOLDER_SUFFIX)
    return [*words, f"--name={name}", f"--out={run.parent}"]


def _without(words: list[str], name: str, *, bare: bool = False) -> tuple[list[str], str | None]:
    """The words without an option, and its value; "" for one that stands alone, None if absent."""
    for index, word in enumerate(words):
        if word.startswith(f"{name}="):
            return words[:index] + words[index + 1 :], word.partition("=")[2]
        if word != name:
            continue
        following = words[index + 1 : index + 2]
        if following and not following[0].startswith("--"):
            return words[:index] + words[index + 2 :], following[0]
        if bare:
            return words[:index] + words[index + 1 :], ""
        raise ParameterError(f"{name} has no value: give one.")
    return words, None


def _value(words: list[str], name: str) -> str | None:
    return _without(words, name)[1]


def _preset_words(preset: str, recipe: str | None) -> list[str]:
    if preset not in PRESETS:
        raise UnknownNameError("preset", str(preset), PRESETS)
    chosen = PRESETS[preset]
    if recipe not in (None, chosen.name):
        raise ParameterError(
            f"the preset {preset} is of the recipe {chosen.name}, not {recipe}: leave one out."
        )
    options: dict[str, Any] = {
        "recipe": chosen.name,
        "architecture": chosen.architecture,
        "dataset": chosen.dataset,
        **dataclasses.asdict(chosen.recipe),
    }
    if chosen.mean:
        options |= {"mean": chosen.mean, "std": chosen.std}
    return [word for name, value in options.items() for word in _words(name, value)]


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _CAP:
            raise ParameterError(f"--config {path} is larger than 1 MB: give a file of settings.")
        settings = json.loads(path.read_bytes())
    except OSError as error:
        raise ParameterError(
            f"--config {path} cannot be read ({error.strerror}): correct the path."
        ) from None
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"--config {path} is no JSON ({error}): correct it.") from None
    if not isinstance(settings, dict):
        raise ParameterError(
            f'--config {path} holds no JSON object: write {{"recipe": "gaussian", "epochs": 3}}.'
        )
    return settings


def _config_words(settings: dict[str, Any], known: dict[str, Option]) -> list[str]:
    names = {
        name[2:].replace("-", "_")
        for name in known
        if not name.startswith("--no-") and name[2:] not in _NOT_IN_CONFIG
    }
    words: list[str] = []
    for key, value in settings.items():
        if key not in names:
            raise UnknownNameError("setting", key, names)
        option = known[f"--{key.replace('_', '-')}"]
        if option.number is bool and not isinstance(value, bool):
            raise ParameterError(f"{key}={value!r} is neither on nor off: give true or false.")
        if option.number is not bool and isinstance(value, bool):
            raise ParameterError(f"{key} takes {option.help}, not {json.dumps(value)}.")
        words += _words(key, value)
    return words


def _words(name: str, value: Any) -> list[str]:
    """An option as it would be typed."""
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    if isinstance(value, list | tuple):
        items = [str(item) for item in value]
        if any(item.startswith("--") for item in items) or not items:
            raise ParameterError(f"{name}={value!r} cannot be a list of values: correct it.")
        return [flag, *items]
    if isinstance(value, dict):
        raise ParameterError(f"{name}={value!r} is an object: give a number, a word or a list.")
    return [f"{flag}={value}"]
