from dataclasses import replace

import pytest

from rs_core.plots.sweep.looking import picked_certificate, reason
from rs_core.smoothing.statements import statement
from tests.results.test_core import CERTIFICATE

SENTENCE = statement(
    guarantee="A", predicted=3, class_names=("a", "b", "c", "d"), radius=0.25, sigma=0.5,
    alpha=1e-3, n=1000, n0=100, noise="gaussian-grid",
)  # fmt: skip
LOOKED = replace(CERTIFICATE, statement=f"{SENTENCE} \u00b7 seed 7 given")


def test_the_real_sentence_loses_its_own_risk_and_nothing_else() -> None:
    shown = picked_certificate(LOOKED, 12, 0.0123401)
    assert shown.guarantee == "C"
    parts, before = shown.statement.split(" \u00b7 "), LOOKED.statement.split(" \u00b7 ")
    (own,) = [part for part in before if "P(this statement is false)" in part]
    new, caveat = [part for part in parts if part not in before]
    assert parts.index(new) == before.index(own)
    assert parts.index(caveat) == parts.index(new) + 1
    assert caveat == (
        "radius with \u03c3 frozen at 0.5; an attacker who can change \u03c3 is not covered"
    )
    others = [part for part in parts if part not in (new, caveat)]
    assert others == [part for part in before if part != own]
    assert new == (
        "one of 12 looks at noise levels and seeds: P(the largest radius among them is false) "
        "\u2264 0.0124"
    )


@pytest.mark.parametrize("risk", [0.9999, 1.0, 7.0])
def test_risks_that_leave_nothing_claim_nothing(risk: float) -> None:
    shown = picked_certificate(LOOKED, 1000, risk).statement
    assert "nothing is claimed of the largest radius among them" in shown
    assert "P(" not in shown


def test_a_lost_count_names_no_risk() -> None:
    shown = picked_certificate(LOOKED, 1, 0.001, at_least=True)
    assert "no risk can be named" in shown.statement
    assert "P(" not in shown.statement
    assert "damaged or lost" in reason(LOOKED, 1, at_least=True)


def test_a_sentence_that_is_not_known_still_gets_the_claim() -> None:
    shown = picked_certificate(replace(LOOKED, statement="as an older version put it"), 2, 0.002)
    assert shown.statement.startswith("one of 2 looks")


def test_an_abstention_claims_nothing_anyway() -> None:
    silent = replace(LOOKED, predicted=None, statement="Abstained: nothing is certified")
    assert picked_certificate(silent, 2, 0.002).statement == silent.statement


def test_the_reason_names_both_levels() -> None:
    said = reason(LOOKED, 12)
    assert "12 noise levels or seeds" in said
    assert "\u03c3 = 0.5 is certified at alpha = 0.001 again" in said
