"""Whether the rows of a table are the first ones of what a command would write now."""

import contextlib
import io
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from rs_core.classifiers import Classifier
from rs_core.cli.choices import DataChoice, MachineChoice
from rs_core.cli.outputs.growing import GrowingTable
from rs_core.cli.outputs.results import Tables
from rs_core.cli.pictures import Selection
from rs_core.cli.terminal import remark, shown
from rs_core.errors import ParameterError, RsError
from rs_core.fields import shown as shown_value
from rs_core.logs.origin import Origin
from rs_core.logs.tables import plain_text, text_cell, whole_text

_KINDS = ("certify", "predict", "sandwich", "select")
_ABSENT = object()


def expected_rows(
    selection: Selection, classifier: Classifier, origin: Origin, seed: int, noise: str
) -> list[dict[str, str]]:
    """What is known of each row before it is computed, by column: images, network, machine, noise.

    The noise is looked at by itself: what a command says of it was another default once.
    """
    shared = {
        "weights": classifier.weights_id,
        "precision": classifier.precision,
        "device": classifier.device.type,
        "dataset": text_cell(origin.dataset),
        "split": text_cell(origin.split),
        "version": text_cell(origin.version),
        "seed": str(seed),
        "noise": noise,
    }
    return [
        {
            "image": item.image.digest,
            "idx": str(item.index),
            "name": text_cell(item.image.name),
            "label": whole_text(item.image.label),
            **shared,
        }
        for item in selection.items
    ]


def rows_done(
    table: GrowingTable,
    path: Path | None,
    command: Any,
    columns: Sequence[str],
    expected: Sequence[Mapping[str, str]],
) -> int:
    """How many rows the table holds already; they are the first ones of those expected.

    Args:
        table: open for this command alone.
        path: of its file, for sentences.
        command: whose settings are those of the rows; machines, files and data sets aside, which
            are looked at row by row.
        columns: that the command writes.
        expected: the rows that it would write, as far as they are known.

    Raises:
        ParameterError: something is different; names the first difference.
    """
    lines = [line.rstrip("\r") for line in table.text.split("\n")[:-1]]
    if path is None or not lines:
        return 0
    place, known = shown(path), set[str]()
    if lines[0].split("\t") != list(columns):
        raise ParameterError(
            f"{place} has other columns than this command writes, as of another command or "
            "version: name another file."
        )
    for number, line in enumerate(lines[1:]):
        row = _row(place, number, columns, line)
        if number >= len(expected):
            raise ParameterError(
                f"{place} holds more rows than the {len(expected)} images that are asked about: "
                "ask for all of them, or name another file."
            )
        said = row["command"]
        differences = [
            *_cells(row, expected[number]),
            *(() if said in known else _options(plain_text(said), command)),
        ]
        if differences:
            raise ParameterError(
                f"{place} cannot be gone on from: in line {number + 2} {differences[0]}; ask for "
                "the same, or name another file."
            )
        known.add(said)
    done, rest = len(lines) - 1, len(expected) - len(lines) + 1
    remark(
        f"{place} holds {done} of {len(expected)} rows already, which stay as they are; "
        + (f"what follows is about the other {rest}." if rest else "nothing is left to be done.")
    )
    return done


def _row(place: str, number: int, columns: Sequence[str], line: str) -> dict[str, str]:
    cells = line.split("\t")
    if len(cells) != len(columns):
        raise ParameterError(
            f"line {number + 2} of {place} has {len(cells)} fields and not {len(columns)}: name "
            "another file."
        )
    return dict(zip(columns, cells, strict=True))


def _cells(row: Mapping[str, str], expected: Mapping[str, str]) -> Iterator[str]:
    for name, mine in expected.items():
        if name in row and row[name] != mine:
            yield f"{name} is {row[name] or 'empty'} there and {mine or 'empty'} here"


def _options(said: str, command: Any) -> Iterator[str]:
    """What the options of the rows' own command say otherwise."""
    before = _parsed(said)
    if before is None:
        yield f"the command is {shown_value(said)}, which is none that could be gone on from"
        return
    theirs, mine = _settings(before), _settings(command)
    for name in {**mine, **theirs}:
        there, here = (found.get(name, _ABSENT) for found in (theirs, mine))
        if there != here:
            yield f"{name} is {_word(there)} there and {_word(here)} here"


def _word(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(shown_value, value))
    return "absent" if value is _ABSENT else shown_value(value)


def _settings(command: Any) -> dict[str, Any]:
    """Every option by name, those that say where and on which images apart."""
    found: dict[str, Any] = {}
    for own in fields(command) if is_dataclass(command) else ():
        value = getattr(command, own.name)
        if isinstance(value, DataChoice | MachineChoice | Tables):
            continue
        if is_dataclass(value):
            found |= _settings(value)
        else:
            found[f"--{own.name.replace('_', '-')}"] = value
    return found


def _parsed(said: str) -> Any:
    """The command that was typed, parsed again; None for what is none."""
    from rs_core.cli import parsed

    with contextlib.suppress(RsError, SystemExit, ValueError):
        words, silence = shlex.split(said), io.StringIO()
        if len(words) < 2 or words[1] not in _KINDS:
            return None
        with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
            return parsed(words[1], words[2:])
    return None
