"""Every measured measurement of the documents stands in the register, with what made it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from scripts import measurements

ROOT = Path(__file__).resolve().parents[1]
REGISTER = measurements.register()
DOCUMENTS = ("README.md", "assets/SOURCES.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md")))
TABLE = re.compile(r"(<!-- measured: [\w-]+ -->\n)?((?:^\|.*\n)+)", re.MULTILINE)
DECIMAL = re.compile(
    r"(?<![\w/.])[+-]?\d?\.\d{3,}\b(?!\.)|\b\d[\d.,]*\s?(?:%|times\b|MB\b|images/s)"
)
# Numbers of the prose that nobody measured: settings, and what follows from n and alpha alone.
SETTINGS = {
    "README.md": {"0.001"},
    "docs/arithmetic.md": {".001"},
    "assets/SOURCES.md": {"0.999", ".001"},
    "docs/training.md": {".999", ".001", "1.599", ".616"},
    "docs/selectors.md": {".001", ".999", ".986"},
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("measurement", REGISTER.values(), ids=REGISTER)
def test_a_measurement_stands_where_the_register_says(
    measurement: "measurements.Measurement",
) -> None:
    if measurement.text:
        _, numbers = measurements.quoted(measurement, read(measurement.file))
        assert set(numbers) == set(measurement.find)
        return
    assert re.search(r"\d", measurements.block(measurement, read(measurement.file)))


@pytest.mark.parametrize("measurement", REGISTER.values(), ids=REGISTER)
def test_a_measurement_depends_on_what_there_is_and_names_its_run(
    measurement: "measurements.Measurement",
) -> None:
    assert measurement.commands
    assert measurement.depends
    assert measurement.minutes > 0
    for name in measurement.depends:
        assert (ROOT / name).exists(), name
    assert re.fullmatch(r"[0-9a-f]{7,}", measurement.commit)
    assert measurement.noise in ("", "idealised", "exact")
    if measurement.within is None:
        assert measurement.processor
        assert measurement.by_hand


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_measured_table_is_registered(name: str) -> None:
    for marker, table in TABLE.findall(read(name)):
        measured = [n for n in re.findall(r"(?<![\w.])[+-]?\d*\.\d{2,}\b", table) if float(n) != 1]
        if len(measured) > 2 and "sha256" not in table:
            assert marker, f"{name}: no measurement names the table of {table.splitlines()[0]}"
    for found in re.findall(r"<!-- measured: ([\w-]+) -->", read(name)):
        assert REGISTER[found].file == name


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_says_where_its_noise_was_idealised(name: str) -> None:
    own = {measurement.noise for measurement in REGISTER.values() if measurement.file == name}
    assert ("idealised noise" in read(name)) >= ("idealised" in own)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_measured_number_of_the_prose_is_in_a_table_or_a_registered_sentence(
    name: str,
) -> None:
    document = read(name)
    own = [measurement for measurement in REGISTER.values() if measurement.file == name]
    for measurement in own:
        if measurement.text:
            match, _ = measurements.quoted(measurement, document)
            document = document.replace(match.group(), "")
    known = set(re.findall(r"\d+(?:\.\d+)?|\.\d+", " ".join(re.findall(r"^\|.*$", document, re.M))))
    known = {number.lstrip("0") for number in known}
    prose = re.sub(r"^\|.*$|^    .*$|```.*?```|`[^`]*`", "", document, flags=re.M)
    left = [
        found
        for found in DECIMAL.findall(prose)
        if re.sub(r"[^\d.]", "", found).lstrip("0") not in known
        and found not in SETTINGS.get(name, set())
    ]
    assert not left


@pytest.mark.parametrize(
    "measurement", [f for f in REGISTER.values() if f.minutes < 1 and "CIFAR" not in f.commands[0]]
)
def test_a_cheap_measurement_comes_out_as_it_is_printed(
    measurement: "measurements.Measurement", tmp_path: Path
) -> None:
    printed = measurements.printed_by(measurement, {}, tmp_path)
    _, changed = measurements.renewed(measurement, read(measurement.file), printed)
    assert not changed


def test_the_accuracies_of_the_weights_are_those_of_their_json_files(tmp_path: Path) -> None:
    weights = REGISTER["weights"]
    table = replace(weights, commands=weights.commands[-1:], within=0.0)
    printed = measurements.printed_by(table, {}, tmp_path)
    assert measurements.renewed(table, read(table.file), printed) == (read(table.file), [])


EXAMPLE = measurements.Measurement(
    name="one", file="x.md", commands=("true",), minutes=1, depends=(), commit="abcdef0",
    noise="exact", processor="", within=0.01,
)  # fmt: skip
DOCUMENT = "Before.\n\n<!-- measured: one -->\n| a | b |\n|---|---|\n| x | 0.50 |\n\nAfter.\n"


def test_a_table_is_compared_and_renewed() -> None:
    near = "said\n| a | b |\n|---|---|\n| x | 0.505 |\n"
    assert measurements.renewed(EXAMPLE, DOCUMENT, near) == (DOCUMENT.replace("0.50", "0.505"), [])
    new, changed = measurements.renewed(EXAMPLE, DOCUMENT, near.replace("0.505", "0.62"))
    assert changed == ["0.50 is 0.62"]
    assert new == DOCUMENT.replace("0.50", "0.62")


def test_other_rows_are_said() -> None:
    _, changed = measurements.renewed(EXAMPLE, DOCUMENT, "| a | b |\n|---|---|\n| y | 0.50 |\n")
    assert changed == ["other words, rows or columns"]


def test_no_table_and_no_marker_are_refused() -> None:
    with pytest.raises(LookupError, match="printed no table"):
        measurements.renewed(EXAMPLE, DOCUMENT, "nothing")
    with pytest.raises(LookupError, match="0 markers"):
        measurements.renewed(EXAMPLE, "empty", "| a |\n|---|\n| 1 |\n")


SENTENCE = replace(
    EXAMPLE, text="wrong {often} times of {runs}", find={"often": r"o=(\S+)", "runs": r"r=(\S+)"},
    shape={"often": ".1f"},
)  # fmt: skip


def test_a_sentence_is_compared_and_renewed_across_its_line_breaks() -> None:
    document = "It is wrong 3.1\n  times of 1,000, always."
    assert measurements.renewed(SENTENCE, document, "o=3.104\nr=1,000") == (document, [])
    new, changed = measurements.renewed(SENTENCE, document, "o=4.26\nr=1,000")
    assert new == "It is wrong 4.3\n  times of 1,000, always."
    assert changed == ["often: 3.1 is 4.3"]
    with pytest.raises(LookupError, match="nothing printed"):
        measurements.renewed(SENTENCE, document, "o=3.1")


def test_a_missing_folder_and_a_failing_command_are_said(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="needs MNIST_FOLDER"):
        measurements.printed_by(replace(EXAMPLE, commands=("ls MNIST_FOLDER",)), {}, tmp_path)
    with pytest.raises(LookupError, match="ended with 1"):
        measurements.printed_by(replace(EXAMPLE, commands=("false",)), {}, tmp_path)


def test_folders_are_put_in(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    found = measurements.printed_by(
        replace(EXAMPLE, commands=("ls MNIST_FOLDER",)), {"MNIST_FOLDER": str(tmp_path)}, tmp_path
    )
    assert found == "a file\n"
