"""The words after `rs train`, with --preset, --config and --resume RUN written out as options.

Later words win, so the order is preset, config file, command line. Everything else, the checks
of names and values too, is then the command line's.
"""

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from rs_core.cli.flat import flattened
from rs_core.cli.parser import Option, checked_words, options_of
from rs_core.durable import write_durably
from rs_core.errors import CheckpointError, ParameterError, UnknownNameError
from rs_core.fields import check_value, settings_of
from rs_core.strict_json import parse_json
from rs_core.training import PRESETS, RECIPES, Recipe
from rs_core.training.per_image import PER_IMAGE as PER_IMAGES

RECORD = "command.json"
PER_IMAGE = "--per-image"
FOLDER_SUFFIX = "-checkpoint"
_CAP = 1 << 20
_NOT_IN_CONFIG = ("config", "resume", "json")


def written_out(command: Any, arguments: Sequence[str]) -> list[str]:
    """The words that the arguments stand for.

    Args:
        command: the class of `rs train`; its `for_arguments` knows a recipe's options.
        arguments: as typed.

    Raises:
        UnknownNameError: a preset that does not exist; names the nearest one.
        ParameterError: the config file cannot be read, a key of it does not exist (names the
            nearest one), a value cannot be an option's, or a setting is of another recipe.
        CheckpointError: --resume names no training, or one by another recipe.
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
        settings = flattened(settings)
        own = _value(words, PER_IMAGE) or settings.get("per_image")
        chosen = command.for_arguments(_kinds(str(recipe or "gaussian"), own))
        kind = RECIPES[recipe or "gaussian"]
        before += _config_words(settings, options_of(chosen), kind, Path(str(config)))
    words = [*before, *words]
    if resumed == "" and _value(words, "--dataset") is None:
        resumed = _own_folder(words)
    if resumed:
        words = [*_recorded(Path(resumed), recipe), *words]
    _check_settings(command, words)
    return words if resumed is None else [*words, "--resume"]


def _own_folder(words: list[str]) -> str:
    """The folder of the training that --name and --out mean, "" if nothing is recorded there."""
    name, out = _value(words, "--name") or "model", _value(words, "--out") or "runs"
    folder = Path(out) / f"{name}{FOLDER_SUFFIX}"
    return str(folder) if (folder / RECORD).is_file() else ""


def record(folder: Path, words: dict[str, Any]) -> None:
    """Write the settings of a training beside its checkpoint, for --resume and `rs export`."""
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / RECORD, (json.dumps(words, indent=2) + "\n").encode())


def _check_settings(command: Any, words: list[str]) -> None:
    """Refuse settings of another recipe than the one that the words name."""
    recipe = _value(words, "--recipe") or "gaussian"
    if recipe not in RECIPES or "-h" in words or "--help" in words:
        return
    known = options_of(command.for_arguments(_kinds(recipe, _value(words, PER_IMAGE))))
    for word in words:
        name = word.partition("=")[0].replace("_", "-")
        key = name[2:].replace("-", "_")
        if name.startswith(f"{PER_IMAGE}-") and name not in known:
            raise ParameterError(_of_another(name))
        owners = _owners(key) if name.startswith("--") and name not in known else []
        if owners:
            *others, last = owners
            kinds = f"{', '.join(others)} and {last}" if others else last
            raise ParameterError(
                f"{name} is a setting of {kinds}, not of {recipe}: leave it out, or give --recipe "
                f"{owners[0]}."
            )


def _kinds(recipe: str, per_image: Any) -> list[str]:
    """The words that name what options there are."""
    return ["--recipe", recipe, *([PER_IMAGE, str(per_image)] if per_image is not None else [])]


def _of_another(name: str) -> str:
    """A sentence about a setting of another way to give images sigmas, or of none."""
    key = name.removeprefix(f"{PER_IMAGE}-").replace("-", "_")
    ways = [way for way, kind in PER_IMAGES.items() if key in {f.name for f in fields(kind)}]
    if not ways:
        return f"{name} is no setting of --per-image {', '.join(PER_IMAGES)}: see their --help."
    return f"{name} is a setting of --per-image {' and '.join(ways)}: give {PER_IMAGE} {ways[0]}."


def _owners(key: str) -> list[str]:
    """The recipes that have such a setting."""
    return [name for name, kind in RECIPES.items() if key in {f.name for f in fields(kind)}]


def _recorded(run: Path, recipe: str | None) -> list[str]:
    """The options with which a training was started, for the folder where it lies now."""
    path = run / RECORD
    if not path.is_file() or not run.name.endswith(FOLDER_SUFFIX):
        raise CheckpointError(
            f"{run} holds no training: give the folder NAME{FOLDER_SUFFIX} that rs train made."
        )
    try:
        options = json.loads(path.read_bytes())
        options.pop("init", None)  # the checkpoint has come further: its file may be gone
        words = [word for name, value in options.items() for word in _words(name, value)]
        own = options["recipe"]
    except (ValueError, AttributeError, KeyError, TypeError, OSError, RecursionError):
        raise CheckpointError(
            f"{path} is damaged: resume with the options of the training and --resume alone."
        ) from None
    if recipe not in (None, own):
        raise CheckpointError(
            f"{run} is a training by {own}, which cannot go on by {recipe}: leave --recipe, "
            "--preset and --config out, or "
            "start a new training under another --name."
        )
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
    """An option's last value, which is the one that holds."""
    value = None
    while True:
        words, found = _without(words, name)
        if found is None:
            return value
        value = found


def _preset_words(preset: str, recipe: str | None) -> list[str]:
    if not isinstance(preset, str) or preset not in PRESETS:
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
        **flattened(settings_of(chosen.recipe)),
    }
    if chosen.mean:
        options |= {"mean": chosen.mean, "std": chosen.std}
    return [word for name, value in options.items() for word in _words(name, value)]


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _CAP:
            raise ParameterError(f"--config {path} is larger than 1 MB: give a file of settings.")
        settings = parse_json(path.read_bytes())
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


def _config_words(
    settings: dict[str, Any], known: dict[str, Option], recipe: type[Recipe], path: Path
) -> list[str]:
    """The settings as options; every complaint names the file."""
    names = {
        name[2:].replace("-", "_")
        for name in known
        if not name.startswith("--no-") and name[2:] not in _NOT_IN_CONFIG
    }
    params = {field.name for field in fields(recipe)}
    words: list[str] = []
    for key, value in settings.items():
        if key not in names and _owners(key):
            words += _words(key, value)  # of another recipe, which `_check_settings` names
            continue
        if key not in names:
            raise ParameterError(f"{path}: {UnknownNameError('setting', key, names)}")
        option = known[f"--{key.replace('_', '-')}"]
        try:
            if option.number is bool and not isinstance(value, bool):
                raise ParameterError(f"{key}={value!r} is neither on nor off: give true or false.")
            if option.number is not bool and isinstance(value, bool):
                raise ParameterError(
                    f"{key}={json.dumps(value)} is on or off: give a value ({option.help})."
                )
            if option.number is not str and _spelt(value):
                raise ParameterError(
                    f"{key}={json.dumps(value)} is text: give a number without quotation marks "
                    f"({option.help})."
                )
            own = _words(key, value)
            if option.number is not bool:
                checked_words({f"--{key.replace('_', '-')}": option}, own)
            if key in params and key != "per_image":
                check_value(recipe, key, value)
        except ParameterError as error:
            raise ParameterError(f"{path}: {error}") from None
        words += own
    return words


def _spelt(value: Any) -> bool:
    """Whether a number, or one of a list, is written as text."""
    return any(isinstance(item, str) for item in (value if isinstance(value, list) else [value]))


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
