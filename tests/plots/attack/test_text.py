"""What may be said of an attack: never more than fresh noise confirmed, never "safe"."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rs_core.plots.attack.text import (
    NO_PROOF,
    budget_text,
    norm_text,
    remarks,
    stored_text,
    target_text,
    verdict,
)
from rs_core.results.attack import ALREADY, UNMOVED, AttackCheck, Confirmation
from rs_core.results.attack_trial import Ballot
from tests.results.test_attack_trial import made_trial

NAMES = ("cat", "dog")


def said(predicted: int | None) -> Confirmation:
    return Confirmation(predicted, (0, 0, 0), 0.25, 100, 0.0005)


def test_a_confirmed_image_is_an_upper_bound() -> None:
    told = verdict(made_trial(), 0, NAMES)
    assert told.headline == "Broken at ℓ2 0.4"
    assert "class 0 (cat) instead of class 1 (dog) at level 0.0005" in told.sentence
    assert "Upper bounds" in told.sentence


def test_the_predict_that_flipped_is_the_one_that_is_quoted() -> None:
    walked = (said(None), said(1), said(0), said(None))
    assert "returns class 0" in verdict(made_trial(confirmations=walked), 0).sentence
    aimed = made_trial(goal=2, confirmations=(said(0), said(2), said(2)))
    assert "returns class 2" in verdict(aimed, 0).sentence


def test_an_opinion_does_not_count() -> None:
    told = verdict(made_trial(confirmed=False, confirmations=(said(None),)), 0)
    assert told.headline == "Unconfirmed: it does not count"
    assert "1 PREDICT on fresh noise" in told.sentence
    assert NO_PROOF in told.sentence


def test_another_class_than_the_one_to_reach_is_named() -> None:
    """PREDICT did return another class than the label, only not the goal."""
    walked = (said(0), said(None), said(0))
    told = verdict(made_trial(goal=2, confirmed=False, confirmations=walked), 0, (*NAMES, "eel"))
    assert (
        "but 3 PREDICTs on fresh noise did not return class 2 (eel), but returned class 0 (cat) or "
        "abstained at level 0.0005 each."
    ) in told.sentence
    free = verdict(made_trial(confirmed=False, confirmations=(said(1), said(None))), 0, NAMES)
    assert "2 PREDICTs on fresh noise returned no other class at level" in free.sentence


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_not_broken_is_never_called_safe(norm: str) -> None:
    settings = {"sigma": 0.25, "eps": 0.5, "norm": norm}
    told = verdict(made_trial(success=False, confirmed=False, settings=settings), 0, NAMES)
    assert told.headline == "Not broken within the budget"
    assert "within ℓ" in told.sentence
    assert "that the smoothed network at σ 0.25 gives another class" in told.sentence
    assert told.sentence.endswith(NO_PROOF)
    aimed = made_trial(success=False, confirmed=False, goal=0)
    assert "gives the class 0 (cat)" in verdict(aimed, 0, NAMES).sentence
    free = made_trial(success=False, confirmed=False, attack="ddn", settings={"sigma": None})
    assert "in the steps that it was given that the network gives" in verdict(free, 0).sentence


def test_a_wrong_image_has_the_upper_bound_0() -> None:
    told = verdict(made_trial(notes=(ALREADY,)), 0, NAMES)
    assert told.headline.endswith("upper bound 0")
    assert "Fresh noise confirms it." in told.sentence
    unsure = verdict(made_trial(notes=(ALREADY,), confirmed=False), 0, NAMES)
    assert "did not confirm" in unsure.sentence
    assert "upper bound" not in f"{unsure.headline} {unsure.sentence}"
    assert "16 copies of the attack already answered another class" in unsure.sentence
    assert remarks(made_trial(notes=(ALREADY,)), 0) == ()


@pytest.mark.parametrize("note", UNMOVED)
def test_what_older_attacks_noted_is_recognised(note: str) -> None:
    assert verdict(made_trial(notes=(note,)), 0, NAMES).headline.endswith("upper bound 0")


@pytest.mark.parametrize("counts", [(90, 10, 0), (52, 48, 0), (0, 0, 100)])
def test_a_class_that_only_the_attack_believed_in_bounds_nothing(counts: tuple[int, ...]) -> None:
    """Without a label 16 copies named the class to leave, and the vote does not agree."""
    before = (Ballot(counts, (0.5, 0.5), 0.25, 100),)
    told = verdict(made_trial(before=before), 0).sentence
    assert "No upper bound on the true radius" in told
    known = verdict(made_trial(before=before, labels=(1,)), 0).sentence
    assert "Upper bounds on the true radius, each in its norm: a smaller change" in known


def test_a_pipeline_is_not_what_a_certificate_speaks_of() -> None:
    trial = made_trial(selector="greedy_grid", settings={"sigma": None, "norm": "linf"})
    told = verdict(trial, 0)
    assert told.headline == "Broken at ℓ∞ 0.1"
    assert "σ 0.25 that the selector picks there" in told.sentence
    assert "true radius" not in told.sentence
    assert target_text(trial) == "the pipeline, sigma picked by greedy grid"


def test_the_bare_network_leaves_nothing_to_chance() -> None:
    trial = made_trial(settings={"sigma": None, "norm": "l2"})
    assert "no noise" in budget_text(trial)
    assert "level" not in verdict(trial, 0).sentence
    assert target_text(trial) == "the network itself"
    asked = replace(said(1), sigma=None)
    border = made_trial(settings={"sigma": None}, confirmed=False, confirmations=(asked,))
    told = verdict(border, 0).sentence
    assert "asked again, among other images, the network itself returned no other class" in told
    assert "noise" not in told.removesuffix(NO_PROOF)
    assert target_text(made_trial()) == "the smoothed network at sigma 0.25"
    assert "2 PREDICTs x 0.0005 = alpha = 0.001" in budget_text(made_trial())


def test_what_should_be_known_beside_it() -> None:
    tie = (Ballot((50, 50, 0), (0.5, 0.5), 0.25, 100),)
    assert "abstains" in remarks(made_trial(before=tie), 0)[0]
    nan = (Ballot((0, 0, 1), (0.0, 0.0), None, 1),)
    assert "NaN" in remarks(made_trial(before=nan, settings={"sigma": None}), 0)[0]
    other = (Ballot((90, 10, 0), (0.8, 0.2), 0.25, 100),)
    assert "upper bound 0" in remarks(made_trial(before=other, labels=(1,)), 0)[0]
    assert remarks(made_trial(before=other), 0) == ()  # nobody knows the true class
    flags = AttackCheck(0.0, 0.5, 1.0, 0.0, ("it looks masked",))
    assert remarks(made_trial(check=flags), 0) == ("self-check: it looks masked",)
    clear = AttackCheck(1.0, 1.0, 0.0, 0.0, ())
    assert "no proof" in remarks(made_trial(check=clear), 0)[0]


def test_the_stored_image_is_spoken_of_by_itself() -> None:
    assert "confirmed by itself" in stored_text(made_trial().results[0])
    unsure = stored_text(made_trial(stored_confirmed=False).results[0])
    assert "its one PREDICT on" in unsure
    assert "undid" not in unsure
    plain = stored_text(made_trial(confirmed=False, stored_confirmed=False).results[0])
    assert "confirmed" not in plain


@given(st.floats(1e-6, 1e3))
def test_a_norm_is_never_shown_smaller_than_it_is(value: float) -> None:
    assert float(norm_text(value)) >= value * (1 - 2e-6)
    assert float(norm_text(value)) <= value * 1.002


def test_float32_is_not_shown_as_a_digit() -> None:
    assert norm_text(0.30000001192) == "0.3"
    assert norm_text(0.30001) == "0.3001"
    assert norm_text(0.0) == "0"
