from dataclasses import replace

import numpy as np
import pytest

from rs_core.plots.attack.pictures import magnified
from rs_core.plots.sandwich.bars import sandwich_bars, state_words
from rs_core.plots.sandwich.facts import (
    attack_table,
    confirmation_table,
    ends_text,
    joint_text,
    short_names,
    summary_text,
    verdict_text,
)
from rs_core.plots.sandwich.figure import sandwich_figure
from rs_core.results.attack import Confirmation
from rs_core.results.sandwich import Sandwich, SandwichStrip
from tests.results.test_sandwich import ATTACK, CERTIFICATE

SILENT = replace(CERTIFICATE, predicted=None, radius=0.0)
HOLLOW = replace(ATTACK, confirmed=False)
NONE = replace(ATTACK, success=False, confirmed=False)
CASES = {
    "closed": Sandwich("c", 3, CERTIFICATE, replace(ATTACK, l2=0.900001)),
    "hollow": Sandwich("h", 3, CERTIFICATE, HOLLOW),
    "none": Sandwich("n", 3, CERTIFICATE, NONE),
    "silent": Sandwich("s", 3, SILENT, ATTACK),
    "wrong": Sandwich("w", 5, CERTIFICATE, None),
    "crossing": Sandwich("x", 3, replace(CERTIFICATE, radius=0.90000001), ATTACK),
}
STRIP = SandwichStrip(tuple(CASES.values()), 1e-3, 2e-3, 8, 3.0, "fixed")


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("closed", "0.400 ≤ true radius ≤ 0.901"),
        ("hollow", "0.400 ≤ true radius; one found, none confirmed"),
        ("none", "0.400 ≤ true radius; none found up to 3"),
        ("silent", "nothing certified; confirmed attack at 0.9"),
        ("wrong", "misclassified as it is: lower and upper end 0"),
        ("crossing", "inconsistent: certified 0.90000001, confirmed attack at 0.9"),
    ],
)
def test_both_ends_in_one_line(case: str, said: str) -> None:
    assert ends_text(CASES[case], 3.0) == said


def test_where_nothing_was_attacked_none_is_said_to_be_missing() -> None:
    one = Sandwich("u", None, SILENT, None)
    assert ends_text(one, 3.0) == "nothing certified; no attack was made"
    assert state_words(one) == "no attack was made"
    assert state_words(CASES["silent"]) == "upper end alone"
    alone = sandwich_figure(replace(STRIP, sandwiches=(CASES["wrong"],)))
    assert "nothing lies between" in alone.layout.title.subtitle.text
    assert alone.layout.showlegend
    wheres = {"none": "no upper end was confirmed", "hollow": "no upper end was confirmed",
              "crossing": "contradict each other", "closed": "lies between"}  # fmt: skip
    for case, words in wheres.items():
        figure = sandwich_figure(replace(STRIP, sandwiches=(CASES[case],)))
        assert words in figure.layout.title.subtitle.text
    mixed = sandwich_figure(replace(STRIP, sandwiches=(CASES["wrong"], CASES["none"])))
    assert "misclassified images end at 0" in mixed.layout.title.subtitle.text
    moved_nowhere = Sandwich("z", 3, SILENT, replace(ATTACK, l2=0.0))
    assert state_words(moved_nowhere) == "misclassified as it is, confirmed"
    assert state_words(CASES["closed"]) == "both ends"
    (bar,) = sandwich_bars(replace(STRIP, sandwiches=(one,)))
    assert "no attack was made" in bar.hover
    assert "found" not in bar.hover


def test_the_level_of_both_ends_is_a_printed_sum() -> None:
    assert "0.001 + 0.002 = 0.003" in joint_text(STRIP)


def test_no_verdict_calls_an_image_safe() -> None:
    none = "None found up to ℓ2 distance 2.5 (pixels of [0,1]): not safe, only not found."
    assert verdict_text(NONE, 2.5) == none
    assert verdict_text(HOLLOW, 3).startswith("Unconfirmed:")
    assert verdict_text(HOLLOW, 3).endswith("It does not count.")
    assert verdict_text(ATTACK, 3).startswith("Confirmed: an image at ℓ2 distance 0.9 ")
    assert verdict_text(None, 3, misclassified=True).startswith("Upper bound 0")
    assert "no upper end" in verdict_text(None, 3)


def test_the_strip_is_counted_case_by_case() -> None:
    assert summary_text(STRIP) == (
        "4 of 6 certified; 3 with a confirmed attack; 2 where none was confirmed up to 3; "
        "1 where nothing is certified; 1 misclassified as it is."
    )


def test_where_no_attack_was_made_none_is_said_to_have_failed() -> None:
    unasked = Sandwich("u", None, SILENT, None)
    found = summary_text(replace(STRIP, sandwiches=(unasked, CASES["none"], unasked)))
    assert found == (
        "1 of 3 certified; 0 with a confirmed attack; 1 where none was confirmed up to 3; "
        "2 of which no attack was made; 2 where nothing is certified."
    )
    assert "up to 3" not in summary_text(replace(STRIP, sandwiches=(unasked,)))


def test_the_8_bit_image_has_a_norm_of_its_own() -> None:
    stored = replace(ATTACK, stored_l2=0.9134, stored_confirmed=True)
    rows = dict(attack_table(stored, (), "").rows)
    assert rows["found, ℓ2"] == "0.9"
    assert rows["stored as 8 bits, ℓ2"] == "0.914, confirmed too"
    lost = dict(attack_table(replace(stored, stored_confirmed=False), (), "").rows)
    assert lost["stored as 8 bits, ℓ2"] == "0.914, not confirmed"
    assert "found, ℓ2" not in dict(attack_table(NONE, (), "").rows)


def test_every_predict_stands_in_a_row_and_invalid_is_no_class() -> None:
    said = [
        Confirmation(None, (40, 60, 900), 0.25, 1000, 2.5e-4),
        Confirmation(1, (10, 990, 0), 0.25, 1000, 2.5e-4),
        Confirmation(1, (20, 980, 0), 0.25, 1000, 2.5e-4),
    ]
    table = confirmation_table(replace(ATTACK, confirmations=tuple(said)), ("a", "b"), "")
    assert [row[:3] for row in table.rows] == [
        ("1", "abstains", "60 of 1,000"),
        ("2", "class 1 (b)", "990 of 1,000"),
        ("3: the 8-bit image", "class 1 (b)", "980 of 1,000"),
    ]
    alone = replace(ATTACK, confirmed=False, confirmations=(said[0],))
    assert confirmation_table(alone, (), "").rows[0][0] == "1"


def test_a_change_is_magnified_around_grey() -> None:
    image = np.full((1, 1, 3), 0.5, np.float32)
    moved = image + np.array([[[0.01, -0.02, 0.4]]], np.float32)
    np.testing.assert_allclose(magnified(moved, image)[0, 0], [0.6, 0.3, 1.0], atol=1e-6)
    assert magnified(moved, image).dtype == np.float32


def test_images_of_a_set_are_called_by_their_index() -> None:
    names = ["MNIST test 7", "MNIST test 9"]
    assert short_names(names, "MNIST test", (7, 9)) == ["index 7", "index 9"]
    assert short_names(names, "", (0, 1)) == names
    assert short_names(names, "MNIST test", ()) == names
