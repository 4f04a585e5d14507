from dataclasses import replace

import numpy as np
import pytest

from rs_core.results import Certificate, from_json, to_json
from rs_core.results.attack import AttackResult, Confirmation
from rs_core.results.sandwich import Sandwich, SandwichStrip, sandwiches_spent

CERTIFICATE = Certificate(
    predicted=3, radius=0.4, norm="l2", p_lower=0.9, p_upper_runner_up=None, sigma=0.25, n_top=990,
    n0=100, n=1000, alpha=1e-3, bound="clopper-pearson", guarantee="A", statement="", counts=(990,),
    draws=1100, noise="gaussian", stream="sandwich", precision="fp32", device="cpu",
    weights_id="w", image_digest="i", preprocessing=(), seed=0,
)  # fmt: skip
ATTACK = AttackResult(
    attack="minimal", target="", label=3, goal=None, adversarial=np.ones((1, 2, 2), np.float32),
    success=True, l2=0.9, linf=0.5, stored_l2=0.9, stored_linf=0.5, loss_trace=(), sigma=0.25,
    passes=1, weights_id="w", image_digest="i", seed=0, confirmed=True,
    precision="fp32",
)  # fmt: skip


def test_both_ends() -> None:
    sandwich = Sandwich("a", 3, CERTIFICATE, ATTACK)
    assert (sandwich.lower, sandwich.upper) == (0.4, 0.9)
    assert sandwich.gap == pytest.approx(0.5)
    assert sandwich.consistent


def test_a_misclassified_image_needs_no_change() -> None:
    sandwich = Sandwich("a", 5, CERTIFICATE, None)
    assert sandwich.misclassified
    assert (sandwich.lower, sandwich.upper) == (0.0, 0.0)


@pytest.mark.parametrize("attack", [None, replace(ATTACK, confirmed=False)])
def test_what_was_not_confirmed_is_no_upper_end(attack: AttackResult | None) -> None:
    sandwich = Sandwich("a", None, CERTIFICATE, attack)
    assert sandwich.upper is None
    assert sandwich.consistent


@pytest.mark.parametrize(("sure", "upper"), [(True, 0.8), (False, 0.9), (None, 0.9)])
def test_a_nearer_copy_in_8_bits_is_the_upper_end_if_it_was_confirmed(
    sure: bool | None, upper: float
) -> None:
    attack = replace(ATTACK, stored_l2=0.8, stored_confirmed=sure)
    assert Sandwich("a", 3, CERTIFICATE, attack).upper == upper


def test_risks_add_as_decimals() -> None:
    strip = SandwichStrip((), 0.1, 0.2, 4, 3.0, "")
    assert strip.joint_alpha == 0.3


def test_abstaining_leaves_no_lower_end() -> None:
    abstained = replace(CERTIFICATE, predicted=None, radius=0.0)
    sandwich = Sandwich("a", 5, abstained, ATTACK)
    assert not sandwich.misclassified
    assert (sandwich.lower, sandwich.upper) == (0.0, 0.9)


def test_a_strip_sorts_by_gap_names_crossings_and_survives_json() -> None:
    crossing = Sandwich("x", 3, replace(CERTIFICATE, radius=1.0), ATTACK)
    open_end = Sandwich("o", 3, CERTIFICATE, replace(ATTACK, confirmed=False))
    narrow = Sandwich("n", 3, replace(CERTIFICATE, radius=0.8), ATTACK)
    wide = Sandwich("w", 3, CERTIFICATE, ATTACK)
    strip = SandwichStrip((wide, open_end, crossing, narrow), 1e-3, 2e-3, 8, 3.0, "sigma=0.25")
    assert [s.name for s in strip.by_gap()] == ["x", "n", "w", "o"]
    assert [s.name for s in strip.crossings] == ["x"]
    assert strip.joint_alpha == pytest.approx(3e-3)
    again = from_json(SandwichStrip, to_json(strip))
    assert to_json(again) == to_json(strip)


def test_what_a_strip_spent_counts_both_rows_and_their_confirmations() -> None:
    """A pass forward and back counts as three forward passes."""
    said = Confirmation(5, (0, 40), 0.25, 40, 1e-4)
    frozen = replace(ATTACK, passes=100.0, confirmations=(said, said))
    again = replace(ATTACK, passes=7.0, confirmations=())
    whole = Sandwich("a", 3, CERTIFICATE, frozen, again)
    strip = SandwichStrip((whole, Sandwich("b", 5, CERTIFICATE, None)), 1e-3, 1e-3, 8, 3.0, "")
    assert sandwiches_spent(to_json(strip)) == 1100 + 300 + 2 * 40 + 21 + 1100
    assert sandwiches_spent({}) == 0
