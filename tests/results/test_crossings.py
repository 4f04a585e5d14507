import json
from dataclasses import replace

import pytest

from rs_core.logs.columns import SANDWICH_COLUMNS
from rs_core.logs.sandwich import write_sandwiches
from rs_core.results.attack import AttackResult, Confirmation
from rs_core.results.crossings import crossing_report, crossing_sentence, differences
from rs_core.results.sandwich import Sandwich, SandwichStrip, unconfirmed_norm
from rs_core.statistics import top_two_p_value
from tests.results.test_sandwich import ATTACK, CERTIFICATE

SAID = Confirmation(5, (10, 0, 0, 0, 0, 990, 0), 0.25, 1000, 1e-3 / 8)
CROSSING = Sandwich(
    "x", 3, replace(CERTIFICATE, radius=1.0), replace(ATTACK, confirmations=(SAID,))
)


def strip_of(*sandwiches: Sandwich) -> SandwichStrip:
    return SandwichStrip(
        sandwiches, 1e-3, 2e-3, 8, 3.0, "fixed beforehand at 0.25", "MNIST test", (7, 9),
        settings={"seed": 4},
    )  # fmt: skip


def test_a_report_holds_all_that_repeats_and_disputes_a_crossing() -> None:
    report = crossing_report(strip_of(Sandwich("a", 3, CERTIFICATE, ATTACK), CROSSING))
    assert report == json.loads(json.dumps(report, allow_nan=False))
    assert (report["images"], report["joint_alpha"]) == (2, pytest.approx(3e-3))
    assert report["expected"] == pytest.approx(6e-3)
    assert report["settings"] == {"seed": 4}
    (found,) = report["crossings"]
    assert (found["name"], found["index"], found["lower"], found["upper"]) == ("x", 9, 1.0, 0.9)
    assert found["gap"] == pytest.approx(-0.1)
    assert found["certificate"]["counts"] == [990]
    assert found["attack"]["confirmations"][0]["p_value"] == float(top_two_p_value(990, 10))
    assert found["attack"]["confirmations"][0]["counts"] == list(SAID.counts)
    assert found["attack"]["adversarial"]["shape"] == [1, 2, 2]
    assert found["differences"] == []
    assert "inconsistent: alpha event, different classifier, or bug" in found["sentence"]
    assert found["sentence"] == crossing_sentence(CROSSING)


@pytest.mark.parametrize(
    ("attack", "word"),
    [
        (replace(ATTACK, weights_id="other"), "different classifier"),
        (replace(ATTACK, precision="bf16"), "certified in fp32, attacked in bf16"),
        (replace(ATTACK, image_digest="other"), "different image"),
        (replace(ATTACK, sigma=0.5), "certified at 0.25, attacked at 0.5"),
        (replace(ATTACK, sigma=None), "without noise"),
        (replace(ATTACK, label=4), "certified class 3, attacked class 4"),
        (replace(ATTACK, confirmations=(replace(SAID, sigma=0.3),)), "attacked at 0.3"),
        (
            replace(ATTACK, confirmations=(replace(SAID, noise="gaussian-grid"),)),
            "certified gaussian, confirmed gaussian-grid",
        ),
    ],
)
def test_what_the_two_ends_do_not_share_is_named(attack: AttackResult, word: str) -> None:
    (sentence,) = differences(CERTIFICATE, attack)
    assert word in sentence


def test_an_older_attack_that_names_no_precision_is_not_called_another_one() -> None:
    assert differences(CERTIFICATE, replace(ATTACK, precision="")) == ()


def test_a_hollow_success_is_no_end() -> None:
    hollow = replace(ATTACK, confirmed=False)
    one = Sandwich("h", 3, CERTIFICATE, hollow)
    assert unconfirmed_norm(hollow) == one.hollow == 0.9
    assert one.upper is None
    assert unconfirmed_norm(ATTACK) is None
    assert unconfirmed_norm(replace(hollow, success=False)) is None


def test_a_row_per_image_in_full_precision(tmp_path) -> None:
    wrong = Sandwich("a\tb\nc", 5, CERTIFICATE, None)
    piped = replace(CROSSING, pipeline=replace(ATTACK, l2=0.7, stored_confirmed=True))
    path = tmp_path / "sandwiches.tsv"
    write_sandwiches(path, strip_of(piped, wrong))
    header, *lines = path.read_text().splitlines()
    assert header.split("\t") == list(SANDWICH_COLUMNS)
    first, second = (dict(zip(SANDWICH_COLUMNS, line.split("\t"), strict=True)) for line in lines)
    assert (first["idx"], first["lower"], first["upper"]) == ("7", "1.0", "0.9")
    assert (first["consistent"], first["confirmed"], first["pipeline_upper"]) == ("0", "1", "0.7")
    assert (first["stored_upper"], first["hollow"]) == ("", "")
    assert float(first["joint_alpha"]) == pytest.approx(3e-3)
    assert second["name"] == "a b c"
    assert (second["lower"], second["upper"], second["confirmed"]) == ("0.0", "0.0", "")
    assert (second["predict"], second["label"], second["consistent"]) == ("3", "5", "1")
