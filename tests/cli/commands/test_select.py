import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rs_core.assets import sample_path
from rs_core.cli import main
from rs_core.cli.commands.select import SelectCommand
from rs_core.cli.nested import selector_of
from rs_core.events import Finished
from rs_core.guarantees import GUARANTEES
from rs_core.logs import read_log
from rs_core.results import Certificate, Selection, from_json
from rs_core.selectors import SELECTORS, Gradient, Grid, Selector

QUICK = {
    "fixed": ["--selector-sigma", "0.5"],
    "grid": ["--selector-n", "100", "--selector-interval", "0.3"],
    "greedy_grid": ["--selector-evaluations", "20"],
    "gradient": ["--selector-steps", "5"],
    "multistart": ["--selector-m", "64", "--selector-levels", "4"],
    "multistart_uniform": ["--selector-m", "64", "--selector-levels", "4"],
    "knn": ["--selector-limit", "100"],
}


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["select", "--image", "digit-7", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", SELECTORS)
def test_every_selector_has_its_fields_as_options(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    row = json.loads(printed(capsys, "--selector", name, *QUICK[name], "--json"))
    selection = from_json(Selection, row["selection"])
    assert selection.selector == name
    assert row["certificate"] is None
    text = printed(capsys, "--selector", name, *QUICK[name])
    assert "none of them certifies" in text
    assert f"{selection.sigma:.4g}" in text


def test_a_preset_is_a_name_for_settings_that_others_may_change() -> None:
    def made(*words: str) -> Selector:
        command = SelectCommand.for_arguments(words)
        given = {
            word.removeprefix("--").replace("-", "_"): value
            for word, value in zip(words[::2], words[1::2], strict=True)
        }
        return selector_of(command(**{**given, "selector": given["selector"]}))

    gradient = ("--selector", "gradient", "--selector-preset")
    assert made(*gradient, "long_steps") == Gradient(step_size=0.05, n=8)
    assert made(*gradient, "published") == Gradient(paper=True)
    assert made(*gradient, "package") == Gradient(steps=900, n=100, step_size=0.04)
    assert made("--selector", "grid", "--selector-preset", "published") == Grid(ends=False)
    assert made("--selector", "gradient") == Gradient()


@pytest.mark.parametrize("name", SELECTORS)
def test_every_preset_is_one_of_its_selector(name: str) -> None:
    for settings in SELECTORS[name].presets.values():
        assert SELECTORS[name](**settings) != SELECTORS[name]()


def test_options_stand_before_a_preset(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--selector", "gradient", "--selector-preset", "long_steps", "--selector-steps", "3"]
    row = json.loads(printed(capsys, *words, "--selector-n", "2", "--json"))
    assert row["selection"]["draws"] == 6
    (start, _), (second, _), *_ = row["selection"]["candidates"]
    assert start == 0.5  # the middle of the network's training noise
    assert abs(second - start) > 1e-3  # a long step, although --selector-step-size was not given


def test_a_guarantee_certifies_on_fresh_draws(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    log = tmp_path / "log.tsv"
    words = ["--selector", "multistart", *QUICK["multistart"], "--n", "500"]
    text = printed(capsys, *words, "--guarantee", "frozen", "--tsv", str(log))
    assert "C Fixed sigma" in text
    assert "an attacker who can change σ is not covered" in text
    assert [row.guarantee for row in read_log(log)] == ["C"]
    assert main(["certify", "--image", "digit-7", *words, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    certificate = from_json(Certificate, row["certificate"])
    assert certificate.guarantee == "C"
    assert certificate.sigma == row["selection"]["sigma"]


def test_the_budget_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--selector", "multistart", *QUICK["multistart"], "--n", "500"]
    text = printed(capsys, *words, "--guarantee", "grid_minimum")
    assert (
        "error of each row: alpha = 0.001, for each of 4 sigmas and for the smallest radius" in text
    )


def test_a_declared_range_holds_all_that_the_selector_can_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What it picks at this image may be declared, and what it picks beside it may not."""
    words = ["--selector", "greedy_grid", "--selector-evaluations", "5", "--n", "500"]
    text = printed(capsys, *words, "--guarantee", "grid_minimum")
    assert "any selector that answers one of 5 declared sigmas (0.2 to 1)" in text
    declared = ["--sigmas", "0.2", "0.4", "0.6", "0.8", "1", "1.5"]
    text = printed(capsys, *words, "--guarantee", "grid_minimum", *declared)
    assert "any selector that answers one of 6 declared sigmas (0.2 to 1.5)" in text


@pytest.mark.parametrize(
    ("guarantee", "note"),
    [("memory", "note: this memory ended"), ("regions", "note: these regions were not kept")],
)
def test_what_answers_nothing_later_is_told(
    guarantee: str, note: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["--selector", "fixed", "--n", "500", "--guarantee", guarantee]
    assert note in printed(capsys, *words)
    if guarantee == "memory":
        assert "note" not in printed(capsys, *words, "--path", str(tmp_path / "kept"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--selector", "oracle"], "unknown selector 'oracle'"),
        (["--guarantee", "all"], "unknown guarantee 'all'"),
        (["--guarantee", "dual"], "use it from Python, rs_core.guarantees.Dual(network=...)"),
        (["--guarantee", "dual_published"], "Python, rs_core.guarantees.PublishedDual(network="),
        (["--selector", "network"], "use it from Python, rs_core.selectors.FromNetwork(network="),
        (["--selector", "grid", "--selector-preset", "package"], "unknown selector-preset 'packa"),
        (["--selector", "fixed", "--selector-preset", "published"], "unknown selector-preset"),
        (["--selector", "grid", "--selector-sigma-min", "2"], "must lie below"),
        (["--selector", "gradient", "--guarantee", "sukenik"], "has a bounded slope"),
        (["--selector", "gradient", "--guarantee", "global_sigma"], "fixed beforehand"),
        (["--tsv", "x.tsv"], "--tsv holds certificates"),
        (["--html", "x.html"], "unknown option '--html'"),
        (["--guarantee", "frozen_lambda", "--tsv", "x.tsv"], "--tsv holds l2 radii"),
        (["--selector", "gradient", "--guarantee", "frozen_lambda"], "for l2 radii"),
        (
            ["--selector", "gradient", "--selector-norm", "l1", "--guarantee", "regions"],
            "gradient picks its noise level for l1 radii, and regions certifies l2 radii",
        ),
        (["--selector", "fixed", "--selector-n", "3"], "unknown option"),
        (["--selector", "fixed", "--sigma", "0.5"], "Did you mean '--selector-sigma'?"),
        (
            ["--selector", "fixed", "--guarantee", "memory", "--path", "/no/such/folder/memory"],
            "the memory memory cannot be opened: name a file in a folder that exists",
        ),
        (
            ["--selector", "greedy_grid", "--guarantee", "grid_minimum", "--sigmas", "0.5", "1"],
            "greedy_grid can answer sigma=0.005, which is not among the 2",
        ),
        (["--selector", "knn", "--guarantee", "grid_minimum"], "knn can answer any"),
        (["--guarantee", "grid_minimum", "--n", "5"], "n=5 can never certify"),
    ],
)
def test_bad_words_are_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = QUICK["gradient"] if "gradient" in words else []
    assert main(["select", "--image", "digit-7", *words, *quick]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_l1_radii_are_called_l1(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--selector", "gradient", *QUICK["gradient"], "--selector-norm", "l1", "--n", "500"]
    text = printed(capsys, *words, "--guarantee", "frozen_lambda")
    assert text.splitlines()[2].split() == ["image", "lambda", "draws"]
    assert "l1 radius" in text
    assert "C Fixed sigma" in text
    assert "Certified ℓ1 radius" in text
    fixed = ["--selector", "fixed", "--selector-sigma", "0.5", "--n", "500", "--json"]
    row = json.loads(printed(capsys, *fixed, "--guarantee", "global_lambda"))
    certificate = from_json(Certificate, row["certificate"])
    assert (certificate.norm, certificate.noise, certificate.guarantee) == (
        "l1",
        "uniform-grid",
        "A",
    )


def digits(folder: Path, table: str) -> list[str]:
    """Options for three images, the first two alike, with a table of their labels."""
    for name, digit in {"a": "digit-7", "b": "digit-7", "c": "digit-9"}.items():
        (folder / f"{name}.png").write_bytes(sample_path(digit).read_bytes())
    labels = folder / "labels.csv"
    labels.write_text(table)
    return ["--image", str(folder), "--labels", str(labels), "--device", "cpu"]


def test_accuracy_of_a_selector_that_reads_labels_is_not_told_without_a_word(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    images = digits(tmp_path, "name,label\na.png,7\nb.png,1\nc.png,9\n")
    words = [*images, "--selector", "grid", *QUICK["grid"], "--n", "100", "--n0", "10"]
    note = "note: grid read the true labels, which nobody has when it counts"
    assert main(["certify", *words, "--selector-label-aware"]) == 0
    lines = capsys.readouterr().out.splitlines()
    accuracy = next(k for k, line in enumerate(lines) if "certified accuracy" in line)
    assert lines[accuracy].startswith("C, each held at its own sigma: certified accuracy")
    assert note in lines[:accuracy]
    assert [line[:16] for line in lines if "Certified ℓ2" in line] == ["a.png: Certified"]
    assert main(["select", *words, "--guarantee", "frozen"]) == 0
    assert "note: grid read" not in capsys.readouterr().out
    assert main(["select", "--image", "digit-7", "--label", "7", *words[6:8], *QUICK["grid"],
                 "--selector-label-aware"]) == 0  # fmt: skip
    assert note in capsys.readouterr().out


def test_one_sigma_for_a_whole_set_is_one_though_its_rows_are_written_in_parts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "images").mkdir()
    images = digits(tmp_path / "images", "name,label\na.png,7\nb.png,7\nc.png,9\n")
    words = [*images, "--selector", "multistart_uniform", "--selector-m", "64"]
    words += ["--selector-levels", "8", "--n", "100", "--n0", "10"]
    assert main(["certify", *words, "--json"]) == 0
    whole = {row["certificate"]["sigma"] for row in json.loads(capsys.readouterr().out)}
    monkeypatch.setattr("rs_core.cli.commands.select._COPIES_AT_ONCE", 1)
    log = tmp_path / "log.tsv"
    assert main(["certify", *words, "--tsv", str(log)]) == 0
    rows = read_log(log)
    assert len(rows) == 3
    assert {row.sigma for row in rows} == whole
    assert len(whole) == 1
    told = capsys.readouterr().out
    assert "note: multistart_uniform picked one sigma from all these images together" in told


def test_a_memory_belongs_to_the_selectors_settings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["select", "--image", "digit-7", "--guarantee", "memory", "--n", "500"]
    words += ["--path", str(tmp_path / "memory.sqlite"), "--selector", "fixed"]
    assert main([*words, "--selector-sigma", "0.25"]) == 0
    assert "B Conditional" in capsys.readouterr().out
    assert main([*words, "--selector-sigma", "0.25"]) == 0
    capsys.readouterr()
    assert main([*words, "--selector-sigma", "0.5"]) == 2
    assert "sigma policy" in capsys.readouterr().err


def test_no_output_replaces_a_memory(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its answers were given: a table in its place would void them all."""
    memory = tmp_path / "memory.sqlite"
    words = ["--guarantee", "memory", "--n", "500", "--path", str(memory), "--selector", "fixed"]
    printed(capsys, *words)
    before = memory.read_bytes()
    assert main(["select", "--image", "digit-3", *words, "--tsv", str(memory)]) == 2
    assert "it is read by this command" in capsys.readouterr().err
    assert memory.read_bytes() == before
    new = ["--path", str(tmp_path / "new"), "--tsv", str(tmp_path / "new")]
    assert main(["select", "--image", "digit-3", *words, *new]) == 2
    assert not (tmp_path / "new").exists()


def test_an_inherited_label_is_told_without_a_bound(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A label taken from another's ball has no votes behind it: its p_lower is NaN."""
    run = GUARANTEES["memory"].run

    def inherited(*arguments: object, **options: object) -> Iterator[object]:
        for event in run(*arguments, **options):
            if isinstance(event, Finished):
                event = Finished(tuple(replace(c, p_lower=math.nan) for c in event.result))
            yield event

    monkeypatch.setattr(GUARANTEES["memory"], "run", inherited)
    words = ["--selector", "fixed", "--guarantee", "memory", "--n", "500"]
    row = next(x for x in printed(capsys, *words).splitlines() if "B Conditional" in x)
    assert row.split()[-3] == "-"
