"""Settings that make no sense are refused in one sentence."""

import pytest

from rs_core.attacks import ATTACKS, Confirm, SelfCheck, Transfer
from rs_core.errors import ParameterError
from rs_core.selectors import Fixed


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
    ],
)
def test_a_setting_is_refused(name: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        ATTACKS[name](**options)


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
