"""The register of measured numbers, `docs/measurements.toml`: what made each, and making it again.

    .venv/bin/python -m scripts.measurements list
    .venv/bin/python -m scripts.measurements run ID [ID ...] [--write]
    .venv/bin/python -m scripts.measurements run --quick

`list` says what there is and what is stale; `run` runs again, compares and with `--write` rewrites
the documents; `--quick` takes those of less than a minute.

`--mnist FOLDER`, `--cifar10 FOLDER` and `--exact FILE` say where the data lie; `--keep FOLDER`
keeps what the commands leave. A measurement stands behind `<!-- measured: ID -->` in its document,
up to the next empty line, or is a sentence that the register quotes with {name} for each number.
It is stale when files that it depends on have changed since its commit.
"""

import argparse
import datetime
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.timing import processor
from scripts.printed_numbers import NUMBER, differences, fenced, room_of, tables, value_of

ROOT = Path(__file__).resolve().parents[1]
REGISTER = ROOT / "docs" / "measurements.toml"
QUICK = 1.0  # minutes
_DATA = ("MNIST_FOLDER", "CIFAR10_FOLDER", "CIFAR10_EXACT")


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One table, printed output or sentence with measured numbers.

    Fields:
        name: its id.
        file: the document, from the project's root.
        commands: shell lines that are run in order, in the project's root; what they print is
            read. MNIST_FOLDER, CIFAR10_FOLDER, CIFAR10_EXACT and OUT stand for folders and a file.
        minutes: what they take on two cores.
        depends: files and folders whose changes make it stale.
        commit, noise, processor: of the run that is printed; "" for what no processor changes.
        within: how far a number may move between two runs: a share of it, or of 1 if it is less.
            None for timings, which another machine has otherwise: they are never compared.
        part: which of the printed tables it is, from 0; -1 the last.
        by_hand: a person enters what was printed, since several runs or processors stand together.
        text: the sentence, with {name} where a number stands; "" for a block.
        find: for each name, a pattern whose first group is the number in what is printed.
        shape: for each name, its format; as printed where it has none.
    """

    name: str
    file: str
    commands: tuple[str, ...]
    minutes: float
    depends: tuple[str, ...]
    commit: str
    noise: str
    processor: str
    within: float | None = None
    part: int = 0
    by_hand: bool = False
    text: str = ""
    find: Mapping[str, str] = field(default_factory=dict)
    shape: Mapping[str, str] = field(default_factory=dict)


def register(path: Path = REGISTER) -> dict[str, Measurement]:
    """All measurements, by id."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    found = {}
    for name, entry in raw.items():
        lists = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
        found[name] = Measurement(name=name, **{**entry, **lists})
    return found


def block(measurement: Measurement, document: str) -> str:
    """The lines behind the measurement's marker.

    Raises:
        LookupError: the document has no such marker, or two.
    """
    parts = document.split(f"<!-- measured: {measurement.name} -->\n")
    if len(parts) != 2:
        raise LookupError(f"{measurement.file} has {len(parts) - 1} markers of {measurement.name}")
    return parts[1].lstrip("\n").split("\n\n")[0].rstrip("\n")


def quoted(measurement: Measurement, document: str) -> tuple[re.Match[str], dict[str, str]]:
    """Where the sentence stands, whatever its line breaks, and its numbers.

    Raises:
        LookupError: it stands there not once.
    """
    pieces = re.split(r"\{(\w+)\}", " ".join(measurement.text.split()))
    pattern = "".join(
        f"(?P<{piece}>{NUMBER.pattern})" if k % 2 else re.escape(piece).replace(r"\ ", r"\s+")
        for k, piece in enumerate(pieces)
    )
    found = list(re.finditer(pattern, document))
    if len(found) != 1:
        raise LookupError(f"{measurement.file} says {len(found)} times: {measurement.text}")
    return found[0], found[0].groupdict()


def renewed(measurement: Measurement, document: str, printed: str) -> tuple[str, list[str]]:
    """The document with the measurement's new numbers, and what changed by more than it may.

    Raises:
        LookupError: what was printed does not hold the measurement.
    """
    if measurement.text:
        match, numbers = quoted(measurement, document)
        new = {name: _found(measurement, name, printed) for name in numbers}
        changed = [
            f"{name}: {numbers[name]} is {new[name]}"
            for name in numbers
            if measurement.within is not None
            and abs(value_of(numbers[name]) - value_of(new[name]))
            > room_of(numbers[name], measurement.within)
        ]
        sentence = match.group()
        for name in reversed(list(numbers)):
            start, end = match.start(name) - match.start(), match.end(name) - match.start()
            sentence = sentence[:start] + new[name] + sentence[end:]
        return document[: match.start()] + sentence + document[match.end() :], changed
    old = block(measurement, document)
    if old.startswith("```"):
        fresh = fenced(printed)
    else:
        made = tables(printed)
        if not made:
            raise LookupError(f"{measurement.name}: its command printed no table")
        fresh = made[measurement.part]
    return document.replace(old, fresh), differences(old, fresh, measurement.within)


def _found(measurement: Measurement, name: str, printed: str) -> str:
    found = re.search(measurement.find[name], printed, re.MULTILINE)
    if found is None:
        raise LookupError(f"{measurement.name}: nothing printed is {measurement.find[name]}")
    shape = measurement.shape.get(name)
    return found.group(1) if shape is None else format(value_of(found.group(1)), shape)


def stale(measurement: Measurement) -> list[str] | None:
    """Files of `depends` that changed since its commit; None where git cannot tell."""
    command = ["git", "diff", "--name-only", measurement.commit, "--", *measurement.depends]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return told.stdout.split() if told.returncode == 0 else None


def printed_by(measurement: Measurement, folders: Mapping[str, str], out: Path) -> str:
    """What the measurement's commands print.

    Raises:
        LookupError: a folder is missing that they need, or a command fails.
    """
    texts = []
    for command in measurement.commands:
        for word, folder in {**folders, "OUT": str(out)}.items():
            command = re.sub(rf"\b{word}\b", shlex.quote(folder), command)
        missing = [word for word in _DATA if word in command]
        if missing:
            raise LookupError(f"{measurement.name} needs {missing[0]}: give the folder")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        command = command.replace(".venv/bin/", "")
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
        told = subprocess.run(
            command, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True
        )
        if told.returncode:
            raise LookupError(
                f"{measurement.name}: {command} ended with {told.returncode}: {told.stderr[-400:]}"
            )
        texts.append(told.stdout)
    return "\n".join(texts)


def stamp(name: str) -> None:
    """Write commit, noise and processor of a run into the register."""
    head = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(head, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    text = REGISTER.read_text(encoding="utf-8")
    start = text.index(f"[{name}]\n")
    end = text.find("\n[", start + 1) % (len(text) + 1)
    own = text[start:end]
    for key, value in (("commit", commit.strip()), ("noise", "exact"), ("processor", processor())):
        own = re.sub(rf'^{key} = ".+"$', f'{key} = "{value}"', own, flags=re.MULTILINE)
    REGISTER.write_text(text[:start] + own + text[end:], encoding="utf-8")


def run(
    measurements: Sequence[Measurement], folders: Mapping[str, str], out: Path, *, write: bool
) -> int:
    """Run, compare and report; 1 where a measurement moved or could not be made."""
    wrong = 0
    for measurement in measurements:
        path = ROOT / measurement.file
        document = path.read_text(encoding="utf-8")
        started = datetime.datetime.now()
        try:
            printed = printed_by(measurement, folders, out)
            if measurement.by_hand:
                print(f"BY HAND   {measurement.name}\n{printed}", flush=True)
                continue
            new, changed = renewed(measurement, document, printed)
        except LookupError as error:
            print(f"FAILED    {error}", flush=True)
            wrong += 1
            continue
        minutes = (datetime.datetime.now() - started).total_seconds() / 60
        word = "MOVED" if changed else "as it was"
        print(
            f"{word:<10}{measurement.name} ({minutes:.1f} min) {'; '.join(changed[:8])}", flush=True
        )
        wrong += bool(changed)
        if write:
            path.write_text(new, encoding="utf-8")
            stamp(measurement.name)
    return 1 if wrong else 0


def listing(measurements: Mapping[str, Measurement]) -> None:
    """One line for each measurement."""
    for measurement in measurements.values():
        changed = stale(measurement)
        state = "unknown" if changed is None else f"stale ({len(changed)})" if changed else "fresh"
        print(
            f"{measurement.name:<28}{measurement.file:<26}{measurement.minutes:>6g} min  "
            f"{measurement.commit:<9}{measurement.noise or '-':<11}{state}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("list", "run"))
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--mnist")
    parser.add_argument("--cifar10")
    parser.add_argument("--exact")
    parser.add_argument("--keep", type=Path)
    choice = parser.parse_args()
    known = register()
    unknown = [name for name in choice.ids if name not in known]
    if unknown:
        parser.error(f"no measurement {unknown[0]}: `list` shows all")
    if choice.what == "list":
        listing(known)
        return 0
    chosen = [known[name] for name in choice.ids] or list(known.values())
    if choice.quick:
        chosen = [measurement for measurement in chosen if measurement.minutes < QUICK]
    given = dict(zip(_DATA, (choice.mnist, choice.cifar10, choice.exact), strict=True))
    folders = {word: str(Path(folder).resolve()) for word, folder in given.items() if folder}
    with tempfile.TemporaryDirectory() as temporary:
        out = (choice.keep or Path(temporary)).resolve()
        return run(chosen, folders, out, write=choice.write)


if __name__ == "__main__":
    sys.exit(main())
