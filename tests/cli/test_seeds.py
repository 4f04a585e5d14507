import json
from pathlib import Path

import pytest

from rs_core.cli import main
from rs_core.cli.outputs.scores import joint_lines

MACHINE = ("--threads", "1", "--precision", "fp32", "--device", "cpu")
SET = ("--dataset", "mnist5k", "--split", "train", "--every", "1000", "--limit", "2")
CERTIFY = ("certify", "--sigma", "0.25", "--n", "100", *MACHINE)
ALONE = (*CERTIFY, "--image", "digit-7")


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*words]) == 0
    return capsys.readouterr().out


def seeds(log: Path) -> list[str]:
    header, *rows = (line.split("\t") for line in log.read_text().splitlines())
    return [row[header.index("seed")] for row in rows]


def test_a_drawn_seed_is_told_recorded_and_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    first = json.loads(asked(capsys, *ALONE, "--json"))
    assert first["seed_given"] is False
    assert "seed" not in first["statement"]
    assert json.loads(asked(capsys, *ALONE, "--json"))["seed"] != first["seed"]
    again = json.loads(asked(capsys, *ALONE, "--json", "--seed", str(first["seed"])))
    assert (again["seed"], again["counts"]) == (first["seed"], first["counts"])
    assert again["seed_given"] is True
    assert f"seed {first['seed']} given" in again["statement"]


def test_the_terminal_says_how_to_repeat(capsys: pytest.CaptureFixture[str]) -> None:
    said = asked(capsys, *ALONE).splitlines()
    line = next(line for line in said if line.startswith("seed "))
    _, seed, _, *rest = line.split()
    assert rest == ["repeat", "with", "--seed", seed]
    given = asked(capsys, *ALONE, "--seed", "7")
    assert "seed 7 given: risks hold for images that were chosen without it" in given
    assert "seed 7 given: the risk holds for an image that was chosen without it" in given


@pytest.mark.parametrize("given", [(), ("--seed", "12345678901234567890")])
def test_a_table_is_gone_on_from_with_its_own_seed(
    given: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    asked(capsys, *CERTIFY, *SET, *given, "--tsv", str(log))
    whole = seeds(log)
    assert len(whole) == 2
    assert len(set(whole)) == 1
    assert given[1:] in ((), (whole[0],))
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:2]))
    said = asked(capsys, *CERTIFY, *SET, "--tsv", str(log), "--resume")
    assert seeds(log) == whole
    assert f"seed {whole[0]} {'given' if given else 'drawn'}" in said


def test_another_seed_cannot_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log"
    asked(capsys, *CERTIFY, *SET, "--tsv", str(log))
    assert main([*CERTIFY, *SET, "--tsv", str(log), "--resume", "--seed", "3"]) == 2
    assert f"seed is {seeds(log)[0]} there and 3 here" in capsys.readouterr().err


def test_a_seed_that_is_no_number_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ALONE, "--seed", "birthday"]) == 2
    assert "--seed 'birthday' is not a whole number" in capsys.readouterr().err
    assert main([*ALONE, "--seed", str(2**64)]) == 2
    assert "from 0 to 2**64 - 1" in capsys.readouterr().err


def test_several_statements_say_at_which_level_all_hold(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = asked(capsys, *CERTIFY, *SET)
    assert "all 2 rows hold together except with probability \u2264 0.002, the sum" in said
    assert "hold together" not in asked(capsys, *ALONE)
    both = ("certify", "--sigma", "0.25", "0.5", "--n", "100", *MACHINE, "--image", "digit-7")
    several = asked(capsys, *both)
    assert "all 2 statements about each image hold together except" in several


def test_levels_add_in_decimal_and_end_below_one() -> None:
    (line,) = joint_lines([0.001] * 13)
    assert "\u2264 0.013," in line
    for risks in ([0.25] * 4, [0.3333] * 3):
        (line,) = joint_lines(risks)
        assert line.endswith("about 1 or more: nothing is claimed of all of them together")
    assert not [*joint_lines([0.001])]
