"""Settings that make no sense are refused in one sentence."""

import pytest

from rs_core.attacks import ATTACKS, Confirm, SelfCheck, Transfer
from rs_core.errors import ParameterError
from rs_core.experiments.sandwich import MakeSandwiches
from rs_core.experiments.studies import Frontier, NoiseCurve, StrengthCurve
from rs_core.selectors import Fixed, Gradient
from rs_core.training import RECIPES


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("pgd", {"eps": 0}, "eps=0 .*above 0"),
        ("pgd", {"eps": -1}, "eps=-1 .*above 0"),
        ("square", {"eps": 0}, "eps=0 "),
        ("gaussian", {"eps": -0.5}, "eps=-0.5 "),
        ("minimal", {"eps": 0}, "eps=0 "),
        ("pgd", {"steps": 0}, "steps=0 .*at least 1"),
        ("ddn", {"steps": 0}, "steps=0 "),
        ("cw", {"rounds": 0}, "rounds=0 "),
        ("pgd", {"draws": 8}, "draws=8 without noise"),
        ("pgd", {"norm": "l1"}, "norm='l1' is not known"),
        ("pgd", {"sigma": 0}, "sigma=0 .*above 0"),
        ("pgd", {"target": -1}, "target=-1 "),
        ("pgd", {"target": 1, "targets": 2}, "leave one"),
        ("pgd", {"step_size": 0}, "step_size=0 "),
        ("epgd", {"sigma": None}, "give sigma, or use pgd"),
        ("epgd", {"loss": "margin", "expectation": "probability"}, "the margin has none"),
        ("cw", {"expectation": "probability"}, "expectation=loss"),
        ("square", {"expectation": "probability"}, "expectation=loss"),
        ("epgd", {"selector": Fixed()}, "both given"),
        ("epgd", {"reselect": 5}, "needs a selector"),
        ("pgd", {"norm": "linf", "eps": 8}, "holds every image.*8/255 = 0.03137"),
        ("fgsm", {"eps": 1.01}, "give at most 1"),
        ("square", {"eps": 8}, "8/255"),
        ("gaussian", {"norm": "linf", "eps": 8}, "8/255"),
    ],
)
def test_a_setting_is_refused(name: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        ATTACKS[name](**options)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_selector_of_l1_radii_is_refused_by_every_attack(name: str) -> None:
    """Its lambda of uniform noise, taken as the sigma of Gaussian noise, is another system."""
    with pytest.raises(ParameterError, match="gradient with norm=l1 picks lambda for"):
        ATTACKS[name](sigma=None, selector=Gradient(norm="l1"))
    assert ATTACKS[name](sigma=None, selector=Gradient(norm="l2")).smoothed


@pytest.mark.parametrize("pipeline", [False, True])
def test_a_selector_of_l1_radii_is_refused_beside_the_attacks(pipeline: bool) -> None:
    picker = Gradient(norm="l1")
    for made in (
        lambda: Confirm(selector=picker),
        lambda: MakeSandwiches(selector=picker, pipeline=pipeline),
        lambda: Frontier(selectors=(Fixed(), picker)),
    ):
        with pytest.raises(ParameterError, match="take a selector of norm l2"):
            made()
    assert Frontier(selectors=(Gradient(),)).selectors == (Gradient(),)


def test_a_ball_of_the_whole_box_and_a_search_for_the_least_norm_stay() -> None:
    assert ATTACKS["pgd"](norm="linf", eps=1.0).eps == 1
    assert ATTACKS["pgd"](norm="l2", eps=8).eps == 8
    assert ATTACKS["minimal"](norm="linf").eps == 3, "the most that is looked at, no budget"


def test_studies_and_trainings_refuse_an_linf_ball_that_holds_every_image() -> None:
    for made in (
        lambda: NoiseCurve(norm="linf", eps=8),
        lambda: StrengthCurve(norm="linf", eps=(0.0, 8.0)),
        lambda: RECIPES["adversarial"](eps=8),
    ):
        with pytest.raises(ParameterError, match="holds every image"):
            made()


def test_a_confirmation_that_could_never_succeed_is_refused() -> None:
    with pytest.raises(ParameterError, match="give at least 13"):
        Confirm(n=12, alpha=1e-3, confirmations=4)
    assert Confirm(n=13, alpha=1e-3, confirmations=4).level == 1e-3 / 4


def test_the_error_is_printed_as_a_product() -> None:
    assert Confirm(alpha=0.01, confirmations=4).budget == "alpha = 4 PREDICTs x 0.0025 = 0.01"


def test_a_transfer_needs_an_attack_and_a_check_one_with_gradients() -> None:
    with pytest.raises(ParameterError, match="name at least one"):
        Transfer(attacks={})
    hopeless = "3 fresh copies per PREDICT can never confirm anything"
    with pytest.raises(ParameterError, match=hopeless):
        Transfer(attacks={"pgd": ATTACKS["pgd"]()}, sigma=0.25, n=3)
    with pytest.raises(ParameterError, match="pgd"):
        SelfCheck(attack=ATTACKS["square"]())
