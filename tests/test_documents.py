"""Every command of the documents can be typed in a fresh shell; every file that they name is there.

`tests/test_readme.py` runs the short ones. Here each is read by the program's own parser, which
refuses options and values that are no more.
"""

import argparse
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from rs_core.cli import parsed
from rs_core.errors import CheckpointError

ROOT = Path(__file__).resolve().parents[1]
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
    cwd=ROOT, capture_output=True, text=True, check=True,
).stdout  # fmt: skip
FILES = [name for name in TRACKED.split("\0") if name and (ROOT / name).is_file()]
DOCUMENTS = [name for name in FILES if name.endswith(".md") and name != "CHANGELOG.md"]
PROGRAMS = [name for name in FILES if name.startswith(("scripts/", "benchmarks/"))]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
INLINE = re.compile(r"`([^`]+)`")
FIRST = re.compile(r"(?:\S*/)?(?:python3?|pip|rs|make|mkdir|cp)$|scripts/\S+$")
ALONE = re.compile(
    r"rs( [a-z]+){0,2}$|rs_core\b.*|rs\.\S.*"
)  # a command's name, not a line to type
SHELL = {"mkdir", "cp"}
PATH = re.compile(r"[\w./-]+\.(?:md|py|sh|toml|txt|npz|png)|(?:[\w-]+/)+")
# What others bring, and what a reader has of his own.
ELSEWHERE = {
    "_fetchers.py", "chelsea.png", "cifar10_test.npz", "cifar10_train.npz", "mine.npz",
    "sklearn/datasets/data/digits.csv.gz", "skimage/data", "adversarial.png",
    "explore_farm_animals.rcc", "erase.rcc", "runs/",
}  # fmt: skip


class Read(Exception):  # noqa: N818
    """The arguments were understood; nothing is run."""


def lines() -> Iterator[tuple[str, str]]:
    """(document, command line) of blocks and of spans within a sentence."""
    for name in sorted({*DOCUMENTS} - {"docs/files.md"}):  # whose lines are first lines of modules
        text = (ROOT / name).read_text(encoding="utf-8")
        for language, block in FENCED.findall(text):
            if not language:
                yield from ((name, line) for line in _typed(block))
        text = FENCED.sub("", text)
        for block in INDENTED.findall(text):
            yield from ((name, line) for line in _typed(block))
        for span in INLINE.findall(INDENTED.sub("", text)):
            yield from ((name, line) for line in _typed(" ".join(span.split())))
    for name in PROGRAMS:
        text = (ROOT / name).read_text(encoding="utf-8")
        for line in re.findall(r"^(?:#   |    )?(\S+ .*)$", text.split("set -eu")[0], re.MULTILINE):
            if re.match(r"(\S*/)?(python|rs) (-m|scripts/)", line):
                typed = re.split(r"  +", line)[0]
                yield name, " ".join(re.sub(r"[\[\]]|\.\.\.", "", typed).split())


def _typed(block: str) -> Iterator[str]:
    for line in block.replace("\\\n", " ").splitlines():
        for part in line.split(" ; "):
            words = part.split("  #")[0].split()
            if len(words) > 1 and FIRST.match(words[0]) and not ALONE.match(" ".join(words)):
                yield " ".join(words)


REGISTER = tomllib.loads((ROOT / "docs" / "measurements.toml").read_text(encoding="utf-8"))
REGISTERED = {("docs/measurements.toml", c) for one in REGISTER.values() for c in one["commands"]}
LINES = sorted({*lines(), *REGISTERED})


def test_the_list_of_files_is_that_of_the_code() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "file_index.py"))["index_text"]()
    assert (ROOT / "docs" / "files.md").read_text(encoding="utf-8") == made, (
        "run scripts/file_index.py"
    )


def test_there_are_command_lines() -> None:
    assert {name for name, _ in LINES} >= {
        "README.md", "CONTRIBUTING.md", "assets/SOURCES.md", "docs/attacks.md", "docs/selectors.md",
        "docs/training.md", "docs/attack-benchmarks.md", "benchmarks/studies/attack_quality.py",
    }  # fmt: skip


@pytest.mark.parametrize(("name", "line"), LINES, ids=lambda text: text)
def test_a_command_line_is_understood(
    name: str, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "..." not in line, "an elided command cannot be typed"
    first, *words = shlex.split(line)
    if first == "make":
        return _hold_target(words)
    if first in SHELL:
        return None  # tests/test_readme.py runs it
    if first.startswith("scripts/"):
        return _hold_script(first, words)
    assert first in (".venv/bin/rs", ".venv/bin/python", "libraries/bin/python",
                     "libraries/bin/pip"), f"{first} is not found in a fresh shell"  # fmt: skip
    if first.endswith("/rs"):
        return _hold_rs(words)
    if first.endswith("/pip"):
        return None
    if words[0] == "-m":
        module, *words = words[1:]
        assert find_spec(module) is not None
        path = ROOT / module.replace(".", "/")
        path = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
    else:
        path, *words = ROOT / words[0], *words[1:]
    return _hold_program(path, words, monkeypatch)


def _hold_target(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in words:
        variable, is_variable, _ = word.partition("=")
        wanted = rf"^{variable} \?=|\$\({variable}\)" if is_variable else rf"^{word}:"
        assert re.search(wanted, makefile, re.MULTILINE), word


def _hold_script(name: str, words: list[str]) -> None:
    """As many words as its first comment shows."""
    assert (ROOT / name).stat().st_mode & 0o111
    text = (ROOT / name).read_text(encoding="utf-8")
    usage = rf"^#   {re.escape(name)}((?: [\w|-]+| \[\w+\])*)(?:  |$)"
    shown = re.findall(usage, text, re.MULTILINE)
    counts = {(len(re.findall(r" \w", one)), len(one.split())) for one in shown}
    assert any(least <= len(words) <= most for least, most in counts), shown


def _hold_rs(words: list[str]) -> None:
    if words[0].startswith("-") or words in (["models"], ["datasets"]):
        return
    name = " ".join(words[: 2 if words[0] in ("regions", "study") else 1])
    with suppress(CheckpointError):  # the reader has the training that it takes up
        parsed(name, words[len(name.split()) :])


def _hold_program(path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text(encoding="utf-8")
    if "ArgumentParser" not in text:
        usage = re.search(rf"{path.name}((?: [^\s`]+)*)", text.split('"""')[1])
        assert not words or usage is not None
        return
    understand = argparse.ArgumentParser.parse_args

    def read(parser: argparse.ArgumentParser) -> None:
        understand(parser)
        raise Read

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", read)
    monkeypatch.setattr(sys, "argv", [str(path), *words])
    with pytest.raises(Read):
        runpy.run_path(str(path), run_name="__main__")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_names_files_that_are_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    known = {*FILES, *(str(folder) for file in FILES for folder in Path(file).parents)}
    short = {Path(file).name for file in known}
    links = re.findall(r"\]\((?!http)([^)#]+)", text)
    spans = [word.strip(",;:()") for span in INLINE.findall(text) for word in span.split()]
    named = {word for word in (*links, *spans) if PATH.fullmatch(word)} - ELSEWHERE
    for word in sorted(named):
        path = word.rstrip("/")
        beside = (Path(name).parent / path, Path("rs_core") / path, Path("tests") / path)
        assert path in known or path in short or any(str(at) in known for at in beside), word
    assert set(re.findall(r"\b[A-Z]{4,}\.md\b", text)) <= short


def test_nothing_leans_on_a_paper_that_is_not_here() -> None:
    """Rows and sections of a design that readers of this repository cannot open."""
    elsewhere = re.compile(r"\bRELIABILITY\b|\bSPEC(?:\.md|,? \d|[^\n]{0,3}row)")
    for name in FILES:
        if name.endswith((".py", ".md", ".sh", ".toml")) and name != "tests/test_documents.py":
            found = elsewhere.search((ROOT / name).read_text(encoding="utf-8"))
            assert found is None, f"{name}: {found and found[0]}"
