"""The seed of a command: given, of the rows that it goes on from, or drawn and told."""

import dataclasses
import shlex
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar, cast

from rs_core.logs.tables import plain_text
from rs_core.seed_origin import with_seed_origin
from rs_core.seeding import drawn_seed

C = TypeVar("C")
R = TypeVar("R")

_SETTLED: ContextVar[tuple[int, bool] | None] = ContextVar("seed", default=None)


def with_seed(command: C) -> C:
    """The command with the seed of its noise settled.

    The one that was given; else that of the rows that --resume goes on from, or that the command
    itself finds recorded; else a drawn one. A training that certifies no probe has no statement
    that a known seed could spoil: it has 0.
    """
    _SETTLED.set(None)
    whole: Any = command
    for holder in _holders(whole):
        own = getattr(whole, holder) if holder else whole
        seed, given = _seed_of(whole, own)
        _SETTLED.set((seed, given))
        own = dataclasses.replace(own, seed=seed)
        whole = dataclasses.replace(whole, **{holder: own}) if holder else own
    return cast(C, whole)


def told(result: R) -> R:
    """A command's result, in which every part that names its seed says whether it was given."""
    settled = _SETTLED.get()
    if settled is None:
        return result
    seed, given = settled
    return with_seed_origin(result, given=given, seed=seed)


def is_given() -> bool:
    """Whether somebody gave the command's seed."""
    settled = _SETTLED.get()
    return settled is not None and settled[1]


def seed_line() -> str:
    """Which seed the command has, and what that means."""
    settled = _SETTLED.get()
    if settled is None:
        return ""
    seed, given = settled
    if given:
        return f"seed {seed} given: risks hold for images that were chosen without it"
    return f"seed {seed} drawn; repeat with --seed {seed}"


def _holders(command: Any) -> list[str]:
    """Fields that hold the seed: of a command's choice of machine, or "" for the command itself."""
    names = [own.name for own in dataclasses.fields(command) if own.init]
    if "seed" in names:
        return [""]
    return [name for name in names if hasattr(type(getattr(command, name)), "noise_seed")]


def _seed_of(command: Any, own: Any) -> tuple[int, bool]:
    """(the seed, whether somebody gave it)."""
    if own.seed is not None:
        return own.seed, True
    output: Any = getattr(command, "output", None)
    found = _recorded(output.tsv) if getattr(output, "resume", False) else None
    if hasattr(command, "recorded_seed"):
        found = command.recorded_seed()
    if found is None and not getattr(command, "certifies", True):
        return 0, True
    return found or (drawn_seed(), False)


def _recorded(path: Path | None) -> tuple[int, bool] | None:
    """The seed of a table's first row, and whether its command was given it."""
    try:
        with open(path or "", encoding="utf-8", newline="") as file:
            header, first = (file.readline().rstrip("\r\n").split("\t") for _ in range(2))
        row = dict(zip(header, first, strict=True))
        typed = shlex.split(plain_text(row["command"]))
        return int(row["seed"]), any(word.partition("=")[0] == "--seed" for word in typed)
    except (OSError, KeyError, ValueError):  # going on from it says what is wrong
        return None
