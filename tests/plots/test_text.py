import math
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_core.abstention import votes_reason, why_abstains
from rs_core.plots.text import (
    chance_text,
    class_text,
    plain,
    printable,
    radius_text,
    tidy,
    wrap,
)
from rs_core.results import Certificate

MakeCertificate = Callable[..., Certificate]


def test_names_lose_markup_controls_and_direction_marks() -> None:
    assert plain("<b>cat</b> & co") == "&lt;b&gt;cat&lt;/b&gt; &amp; co"
    assert plain("%{x}") == "%&#123;x}"
    assert tidy("a\u202egnp.exe\x00\n\tb") == "a gnp.exe b"
    assert printable("x\ud800y") == "x y"


@given(st.text())
def test_tidy_text_is_one_encodable_line(text: str) -> None:
    shown = tidy(text)
    shown.encode()
    assert len(shown.splitlines()) <= 1
    assert tidy(shown) == shown


def test_class_text_names_the_class() -> None:
    assert class_text(3, ["a", "b", "c", "cat"]) == "class 3 (cat)"
    assert class_text(1, ["0", "1"]) == "class 1"
    assert class_text(9, ["0", "1"]) == "class 9"
    long = class_text(0, ["x" * 300])
    assert len(long) <= 40
    assert "…" in long


@given(st.floats(0, 1e4))
def test_a_shown_radius_is_never_above_the_radius(radius: float) -> None:
    shown = float(radius_text(radius))
    assert shown <= radius
    assert radius - shown <= 1.001e-3


def test_small_radii_keep_their_digits() -> None:
    assert radius_text(0.6789) == "0.678"
    assert radius_text(0.0007549) == "0.00075"
    assert radius_text(0.0) == "0.00000"


def test_chance_is_exact_and_rounded_down() -> None:
    assert chance_text(0.001) == "0.999"
    assert chance_text(1e-5) == "0.99999"
    assert chance_text(0.05) == "0.95"
    assert float(chance_text(0.001 / 3)) <= 1 - 0.001 / 3


@given(st.text(alphabet="abc <&", max_size=200), st.integers(8, 60))
def test_wrapping_loses_no_word(text: str, width: int) -> None:
    lines = wrap(text, width).split("<br>")
    assert " ".join(lines).split() == text.split()
    assert all(len(line) <= width or " " not in line for line in lines)


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ((0, 5, 0, 0), "5 copies can never certify at level 0.001: take at least 10"),
        ((0, 40, 0, 60), "60 of 100 copies gave NaN or infinite logits"),
        ((30, 45, 25, 0), "no class got more than half of these 100 votes"),
        ((20, 55, 25, 0), "these 100 copies do not tell: 55 of them voted"),
    ],
)
def test_abstentions_say_why(make: MakeCertificate, counts: tuple[int, ...], reason: str) -> None:
    made = make(counts)
    assert made.predicted is None
    assert reason in why_abstains(made)


def test_the_named_number_of_copies_is_the_fewest_that_can_certify(make: MakeCertificate) -> None:
    assert math.pow(0.001, 1 / 10) > 0.5 >= math.pow(0.001, 1 / 9)
    assert make((0, 10, 0, 0)).predicted == 1
    assert make((0, 9, 0, 0)).predicted is None


def test_a_class_with_fewer_votes_than_another_is_not_called_the_leading_one() -> None:
    said = votes_reason((3990, 6010, 0), 3990, 10_000, 100, 1e-3)
    assert said == (
        "class 1 got more votes (6,010 of 10,000) than class 0 (3,990), which was chosen on 100 "
        "others"
    )
    assert "the answer (30)" in votes_reason((30, 30, 40, 0), 30, 100, 100, 1e-3)
    assert "commonest answer" in votes_reason((90, 10, 0), 0, 100, 100, 1e-3)


@pytest.mark.parametrize("counts", [(400, 225, 375), (600, 25, 375)])
def test_copies_without_an_answer_are_named_before_they_are_the_most(
    counts: tuple[int, ...],
) -> None:
    said = votes_reason(counts, counts[0], 1000, 100, 1e-15)
    assert said.endswith("; 375 gave NaN or infinite logits: check the model")
    assert "NaN" not in votes_reason((*counts[:2], 0), counts[0], sum(counts[:2]), 100, 1e-9)


def test_of_several_noise_levels_it_says_which_abstains_or_that_they_disagree(
    make: MakeCertificate,
) -> None:
    weak = replace(make((20, 55, 25, 0)), counted_at=0.5)
    assert why_abstains(weak).startswith("at noise level 0.5: these 100 copies do not tell")
    torn = replace(make((0, 100, 0, 0)), predicted=None, counted_at=0.5)
    assert "not all of one class" in why_abstains(torn)


@given(st.floats(1e-300, 1, exclude_max=True))
def test_a_chance_is_never_more_than_it_is_and_never_one(alpha: float) -> None:
    shown = chance_text(alpha)
    less, _, risk = shown.partition(" - ")
    if risk:
        assert less == "1"
        assert Decimal(risk) >= Decimal(repr(alpha))
    else:
        assert not shown.endswith(".")
        assert 0 <= Decimal(shown) <= 1 - Decimal(repr(alpha))
        assert Decimal(shown) < 1


@pytest.mark.parametrize(
    ("alpha", "text"),
    [(0.001, "0.999"), (1e-6, "0.999999"), (1e-7, "0.9999999"), (1e-12, "1 - 1e-12"), (1.0, "0")],
)
def test_chances_in_decimals(alpha: float, text: str) -> None:
    assert chance_text(alpha) == text
